"""Parse the label that a reply asserts: by the grammar, or by plain keywords."""
