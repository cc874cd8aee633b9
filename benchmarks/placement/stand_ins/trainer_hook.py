"""In a trainer process on simulated cards: claims their memory, and in place of TRL's training writes what it
would leave.

Place in the flow: Python imports it at the start of each process. The one rule: in a process that is no
trainer it does nothing.
"""

import atexit
import os
import sys
import time

if "posttrain.train_jobs" in sys.orig_argv and "SIMULATED_CARDS" in os.environ:
    from benchmarks.placement.stand_ins import simulated_card

    rank = int(os.environ.get("LOCAL_RANK", "0"))
    simulated_card.claim("trainer", size=int(os.environ["TRAINER_BYTES"]), place=rank)
    if rank:
        time.sleep(0.3)
        os._exit(0)
    simulated_card.note("trainer", "begin", cards=simulated_card.visible(), process=os.getpid())
    if os.environ.get("STAND_IN_TRAINER"):
        from benchmarks.placement.stand_ins.stand_in_trainer import train

        train(sys.orig_argv[-1])
    else:
        atexit.register(simulated_card.note, "trainer", "end")
