"""What is stored: people, connections, syncs, records, budgets; each row's own verbs, and which rows are which.

May use: safe.
"""

from connections.models.people import Membership, Role, Team, User, Workspace  # noqa: I001  in the order of their imports
from connections.models.choices import Health, Pace, Privacy, Schedule, State
from connections.models.key_canary import KeyCanary
from connections.models.account_name import AccountName
from connections.models.holding import Holding
from connections.models.connection import Connection
from connections.models.event import Event
from connections.models.standby_key import StandbyKey
from connections.models.check_try import CheckTry
from connections.models.sign_in import SignIn
from connections.models.budget import AccountBudget, CallMinute
from connections.models.shared_budget import SharedBudget
from connections.models.stream_run import StreamRun
from connections.models.sync import Sync
from connections.models.live_check import LiveCheck
from connections.models.stream_mark import StreamMark
from connections.models.row_count import RowCount
from connections.models.stream_health import StreamHealth
from connections.models.change import Change
from connections.models.bounds import Full
from connections.models.record import Record
from connections.models.number import Figured, FigureProof, NumberDay, NumberState
from connections.models.missing_rows import MissingRows
from connections.models.person_erasure import ErasureKey, ErasureMark, PersonErasure
from connections.models.notice import Notice
from connections.models.engine import Engine
from connections.models.pin import Alert, Pin

__all__ = [
    "AccountBudget",
    "AccountName",
    "Alert",
    "CallMinute",
    "Change",
    "CheckTry",
    "Connection",
    "Engine",
    "ErasureKey",
    "ErasureMark",
    "Event",
    "FigureProof",
    "Figured",
    "Full",
    "Health",
    "Holding",
    "KeyCanary",
    "LiveCheck",
    "Membership",
    "MissingRows",
    "Notice",
    "NumberDay",
    "NumberState",
    "Pace",
    "PersonErasure",
    "Pin",
    "Privacy",
    "Record",
    "Role",
    "RowCount",
    "Schedule",
    "SharedBudget",
    "SignIn",
    "StandbyKey",
    "State",
    "StreamHealth",
    "StreamMark",
    "StreamRun",
    "Sync",
    "Team",
    "User",
    "Workspace",
]
