"""Detectors: image classifiers that give P(fake), as checkpoints of transformers or ONNX files."""
