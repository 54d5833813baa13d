"""The Celery processes: app, beat schedule, supervision, liveness, metrics. The stages are in `tasks`."""
