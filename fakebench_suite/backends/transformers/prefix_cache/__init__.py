"""What the prompts about one image begin with is computed once and shared by all of them."""
