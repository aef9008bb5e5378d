"""The optimiser as a graph: one step of L-BFGS, and evaluation and step in one."""
