"""The words that a connection's columns may hold."""

from datetime import timedelta

from django.db import models


class Privacy(models.TextChoices):
    WORKSPACE = "workspace", "Shared with Workspace"
    PRIVATE = "private", "Private to Me"
    TEAM = "team", "Shared with Team"


class State(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"


class Health(models.TextChoices):
    NOT_VERIFIED = "not_verified", "Not verified"
    HEALTHY = "healthy", "Healthy"
    SYNCING = "syncing", "Syncing"
    WAITING = "waiting", "Waiting"
    PAUSED = "paused", "Paused"
    ACTION_NEEDED = "action_needed", "Action needed"
    LATE = "late", "Late"


class Schedule(models.TextChoices):
    QUARTER_HOURLY = "quarter_hourly", "Every 15 minutes"
    HOURLY = "hourly", "Every hour"
    DAILY = "daily", "Every day"
    OFF = "off", "Manual only"


INTERVALS = {
    Schedule.QUARTER_HOURLY: timedelta(minutes=15),
    Schedule.HOURLY: timedelta(hours=1),
    Schedule.DAILY: timedelta(days=1),
}

PERIODS = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}  # By rhythm.


class Pace(models.TextChoices):
    CONSIDERATE = "considerate", "Gentle"
    FULL = "full", "Fast"
