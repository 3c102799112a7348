"""Celery as the engine, for a site that runs its workers and beat already: `celery -A blinkmetrics worker -B`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blinkmetrics.settings")

app = Celery("blinkmetrics")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    beat_schedule={
        "look for work": {"task": "connections.tasks.look_for_work", "schedule": 1.0, "options": {"expires": 1.0}},
        "keep house": {"task": "connections.tasks.keep_house", "schedule": 600.0},
    },
    beat_scheduler="celery.beat:Scheduler",  # Keeps no file: what is due stands in the database.
    worker_pool="threads",  # Syncs mostly wait; and threads see at once that the worker is asked to stop.
    worker_concurrency=10,  # Two more than SIDE_BY_SIDE: one sees who waits while all others pull, one sends notices.
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
app.autodiscover_tasks(["connections.syncing"])
