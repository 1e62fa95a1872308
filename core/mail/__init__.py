"""Mail that the installation sends: written down first, sent by a job, never twice."""
