#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A minute of tokens that live 5 s: never a stale one, never a request to
the provider too many."""
# quick: no, it takes a minute; 210-provider.py has a short one
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import herd
import tap

with tap.Tap() as t, bed.Bed(t) as b:
    herd.check_refresh(t, b, 60)
