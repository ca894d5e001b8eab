"""The status page: what was measured, said to people, to programs and to feed readers.

``view`` works out what is shown and knows no markup; ``drawings`` makes the small pictures; ``rendering`` fills the
templates and writes them as files, so that the page can be hosted anywhere.
"""
