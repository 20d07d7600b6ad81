"""`zego-widget doctor`: whether a call can work from this machine, and what to do where it can not.

Verdicts are pure: facts in, a sentence out (`versions`, `machine`, `hub`, `media`). What asks the machine, the hub and
the network for these facts is thin: `readings`, `status`, `visit`, `probe`; `examination.examine` does it all. No
finding has a secret or a token in it.
"""

from .finding import Finding, Verdict, can_call
from .report import as_json, as_text

__all__ = ["Finding", "Verdict", "as_json", "as_text", "can_call"]
