"""The language of replies: from raw text to assertions about the image."""
