"""The status page: what was measured, said to people, to programs and to feed readers.

``view`` works out what is shown and knows no markup, ``reading`` reads it from the files; ``drawings`` makes the small
pictures, ``words`` the numbers; ``rendering`` fills the templates and writes them as files, so that the page can be
hosted anywhere; ``serving`` serves it.
"""
