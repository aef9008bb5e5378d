"""ONNX Runtime: sessions, graphs, memory; pictures whole or in strips."""
