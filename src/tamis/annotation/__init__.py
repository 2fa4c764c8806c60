"""People at work on a folder of images: what they did, kept for good, and what it comes to."""

from tamis.annotation.project import AnnotatedImage, Project, open_project

__all__ = ["AnnotatedImage", "Project", "open_project"]
