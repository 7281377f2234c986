"""The figures that the project promises, measured: python -m tests.bench [name …] (docs/benchmarks.md)."""
