"""Evaluates models with ONNX Runtime, whole or in strips, within a memory plan."""
