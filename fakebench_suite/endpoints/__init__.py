"""Chat endpoints: names, credentials, requests, retries and replies, of models and judges."""
