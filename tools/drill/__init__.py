"""``make drill``: break each platform of a stack on local platforms under a steady load, and say what visitors saw.

``rehearsal`` has a stack of its own to break; ``load`` asks for its pages; ``timetable`` says when what happens;
``findings`` reads the samples; ``report`` and ``picture`` show them.
"""
