"""``make preview-comment``: what a merge request would change, as one comment that is edited and not repeated.

``comment`` writes the Markdown and knows no forge; ``posting`` puts it where the forge shows it.
"""
