"""The process: Celery app, beat schedule, queues, supervision. Decides nothing; the stages are in `tasks`."""
