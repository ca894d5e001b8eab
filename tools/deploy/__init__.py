"""The command line behind ``make``: starts the sandbox, runs the engine, repairs what a killed run left, reports."""
