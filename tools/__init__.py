"""Set-up of the engine, the command line behind ``make``, and benchmarks."""
