"""``make chaos``: end runs and break calls at every moment, and look what is left.

``stage`` is a stack of its own on local platforms; ``judging`` says what must hold of it; ``crashes``, ``call_faults``,
``surroundings``, ``rivals`` and ``soak`` are what is tried; ``findings`` and ``report`` say what came of it.
"""
