"""Chat endpoints: names, credentials, requests and replies, for models and judges alike."""
