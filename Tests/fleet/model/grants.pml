/* Two nodes and two coordinators share a budget: the rule of docs/fleet.md, for spin (Debian's package).

   Any action may happen at any moment, and time passes whenever it likes, so every delay is covered. Node 0 is one as in life: its messages
   are late, lost, doubled or overtaken, it boots and starts anew; coordinators start again, are paused and take over from each other. A
   coordinator knows of a report only what is in it. Node 1 takes whatever a coordinator has for it, at once: what counts is counted
   for each node alone, so it is enough that one of the two can be counted wrongly, and the other has the use of it.

   Of the rest each -D… adds one thing, so that the whole space of states is searched in a minute:
     LATENCY   a limit that is taken isn't in force at once, and until then it may still come
     SLEEP     a node is suspended for any time: it draws nothing, and its limit is as it was when it wakes up
     ROW       node 0 has a budget of its own, too
     LATE      node 0 may have less than it is granted, and go up to that later, at any time
     JUMP      the contingency is one node: it may be at its ceiling at any time, and for any time (a helper that is dead, a boot)
   and each of these turns one rule off, and spin finds a way to break the budget:
     RECEIPT   the time of a grant runs from its receipt
     NONONCE   a node takes an answer to an older report
     NOWAIT    who takes over believes that nodes are at their rest
     NOFENCE   a coordinator answers when its Lease is over
     NOECHO    any report lowers what is believed, also one that was sent before this coordinator answered anything
     UNPROVEN  a report without an echo is answered with what it said is in force
     REPEAT    what a report says is in force is granted again, though the node doesn't count at it any more
     NOACK     what a node is told to go down to is free at once
     BOOTFULL  a node boots at its ceiling, and counts at its rest when it isn't heard
     UNTOLD    with LATENCY: a report leaves out what is under way to the registers
     AWAKE     with SLEEP: the node's clock stands still while it is asleep
     UNKEPT    with LATE: it goes up also above what its newest report says, before the answer to that is taken
     NOROW     with ROW: only the whole budget is looked at
     NOROOM    with JUMP: no room is kept */
#define REST 1
#define CEILING 3
#ifndef TTL
#define TTL 1
#endif
#ifndef LEASE
#define LEASE 1
#endif
#ifdef JUMP
#define BUDGET 5
#else
#define BUDGET 4
#endif
#define ROWBUDGET 2
#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define DOWN(x) x = ((x) > 0 -> (x) - 1 : 0)

/* Nodes: what is in force, for how long still, and how long the newest report's promise holds. */
byte limit[2] = REST, left[2], promise[2];
#ifdef LATENCY
byte writes[2], writesleft[2];
#define INFORCE(I) MAX(limit[I], writes[I])
#else
#define INFORCE(I) limit[I]
#endif
/* What node 0 may go up to: what was granted, and from each report on until its answer is taken what that says. */
#ifdef LATE
byte most = REST;
#define MAYGOUP(I, W) if :: I == 0 -> most = W :: else fi
#define NOTHIGHER(I) if :: I == 0 && left[0] == 0 -> most = REST :: else fi
#ifdef UNKEPT
#define KEEP(I)
#else
#define KEEP(I) if :: I == 0 -> most = limit[0] :: else fi
#endif
#define VARY :: d_step { limit[0] > REST -> limit[0] = limit[0] - 1 } \
    :: d_step { limit[0] < most -> limit[0] = limit[0] + 1 }
#else
#define MAYGOUP(I, W)
#define NOTHIGHER(I)
#define KEEP(I)
#define VARY
#endif
#ifdef UNTOLD
#define SAID(I) limit[I]
#else
#define SAID(I) INFORCE(I)
#endif
#ifdef SLEEP
bool asleep[2];
#define AWAKENOW(I) (!asleep[I])
#else
#define AWAKENOW(I) (true)
#endif
#ifdef JUMP
bool jumped[2];
#endif

/* A coordinator, with what is under way between it and each node: a report (1 the node's newest, 2 an older one) and an answer to the
   newest (2: to an older one). */
typedef Coordinator {
    byte belief[2];   /* what the node counts at, and for how long */
    byte lasts[2];
    bool heard[2];    /* the newest report was heard: an older one says nothing */
    bool met[2];      /* the node has had an answer of this coordinator in this boot */
    byte report[2];
    byte said[2];     /* in the report: in force */
    bool echo[2];     /* in the report: it was sent after an answer */
    byte answer[2];
    byte granted[2];  /* in the answer; 0: nothing yet */
    byte valid;       /* of the Lease */
    byte renewing;
    bool on
};
Coordinator c[2];
byte holder = 0, unseen = LEASE;
byte before; /* while an answer is made: what the node counted at until then */

#ifdef NOFENCE
#define ANSWERS(K) (c[K].on)
#else
#define ANSWERS(K) (c[K].on && c[K].valid > 0)
#endif

/* A newer report: what answers an older one isn't taken any more, so it may as well vanish. */
#ifdef NONONCE
#define OLDER(K, I) c[K].answer[I] = (c[K].answer[I] > 0 -> 2 : 0)
#else
#define OLDER(K, I) c[K].answer[I] = 0; c[K].granted[I] = 0
#endif
#define OVERTAKE(K, I) c[K].report[I] = (c[K].report[I] > 0 -> 2 : 0); c[K].heard[I] = 0; OLDER(K, I)

#define ASK(K, I) :: d_step { AWAKENOW(I) -> OVERTAKE(0, I); OVERTAKE(1, I); \
    c[K].report[I] = 1; c[K].said[I] = SAID(I); c[K].echo[I] = c[K].met[I]; promise[I] = TTL; KEEP(I) }

#define FORGET(K, I) c[K].report[I] = 0; c[K].said[I] = 0; c[K].echo[I] = 0
#define LOSE(K, I) :: d_step { c[K].report[I] > 0 -> FORGET(K, I) } \
    :: d_step { c[K].answer[I] > 0 -> c[K].answer[I] = 0; c[K].granted[I] = 0 }

#ifdef NOECHO
#define LOWERS(K, I) (true)
#else
#define LOWERS(K, I) (c[K].echo[I])
#endif
#define HEAR(K, I) before = c[K].belief[I]; \
    c[K].belief[I] = (LOWERS(K, I) -> c[K].said[I] : MAX(c[K].belief[I], c[K].said[I])); c[K].lasts[I] = TTL; \
    c[K].heard[I] = (c[K].report[I] == 1 -> 1 : c[K].heard[I])

/* Whether a node may count at W beside the other one. */
#ifdef JUMP
#ifdef NOROOM
#define FITS(K, I, W) ((W) + c[K].belief[1 - I] <= BUDGET)
#else
#define FITS(K, I, W) ((W) + c[K].belief[1 - I] + MAX(CEILING - (W), CEILING - c[K].belief[1 - I]) <= BUDGET)
#endif
#else
#if defined(ROW) && !defined(NOROW)
#define FITS(K, I, W) ((W) + c[K].belief[1 - I] <= BUDGET && (I == 1 || (W) <= ROWBUDGET))
#else
#define FITS(K, I, W) ((W) + c[K].belief[1 - I] <= BUDGET)
#endif
#endif

/* What is in force and counts may go on where the report is known to be of this time; for more there has to be room. */
#ifdef REPEAT
#define COUNTED 3
#else
#define COUNTED before
#endif
#ifdef UNPROVEN
#define PROVEN(K, I) (true)
#else
#define PROVEN(K, I) (LOWERS(K, I))
#endif
#define MAYGRANT(K, I, W) ((LOWERS(K, I) && FITS(K, I, MAX(W, c[K].belief[I]))) || (PROVEN(K, I) && (W) <= c[K].said[I] && (W) <= COUNTED))
#ifdef NOACK
#define BELIEVE(K, I, W) c[K].belief[I] = W
#else
#define BELIEVE(K, I, W) c[K].belief[I] = MAX(c[K].belief[I], W)
#endif
#ifdef NONONCE
#define ADDRESS(K, I) c[K].report[I]
#else
#define ADDRESS(K, I) (c[K].report[I] == 1 -> 1 : 0)
#endif
#define ANSWER(K, I, W) :: d_step { ANSWERS(K) && c[K].report[I] > 0 && !(c[K].report[I] == 2 && c[K].heard[I]) -> \
    HEAR(K, I); c[K].answer[I] = ADDRESS(K, I); c[K].granted[I] = 0; \
    if :: MAYGRANT(K, I, W) -> BELIEVE(K, I, W); c[K].granted[I] = W :: else fi; \
    if :: c[K].answer[I] == 0 -> c[K].granted[I] = 0 :: else fi; \
    FORGET(K, I); before = 0 }

#ifdef RECEIPT
#define TAKES(K, I) (c[K].answer[I] == 1)
#define HOLDS(I) TTL
#else
#define HOLDS(I) promise[I]
#ifdef NONONCE
#define TAKES(K, I) (c[K].answer[I] > 0 && promise[I] > 0)
#else
#define TAKES(K, I) (c[K].answer[I] == 1 && promise[I] > 0)
#endif
#endif
/* The answer stays: it may come again. */
#ifdef LATENCY
#define PUT(I, W) writes[I] = W; writesleft[I] = HOLDS(I)
#else
#define PUT(I, W) limit[I] = W; left[I] = HOLDS(I); MAYGOUP(I, W)
#endif
#define TAKE(K, I) :: d_step { AWAKENOW(I) && TAKES(K, I) -> c[K].met[I] = 1; \
    if :: c[K].granted[I] > 0 -> PUT(I, c[K].granted[I]) :: else fi }

#ifdef LATENCY
#define LAND(I) :: d_step { writes[I] > 0 && AWAKENOW(I) -> limit[I] = writes[I]; left[I] = writesleft[I]; writes[I] = 0; writesleft[I] = 0 } \
    :: d_step { writes[I] > 0 -> writes[I] = 0; writesleft[I] = 0 }
#define NOWRITE(I) writes[I] = 0; writesleft[I] = 0
#define WRITEEND(I) DOWN(writesleft[I]); writes[I] = (writesleft[I] == 0 -> 0 : writes[I])
#else
#define LAND(I)
#define NOWRITE(I)
#define WRITEEND(I)
#endif

/* A node that boots has a new clock and another boot's number, and nothing that it knew. */
#ifdef BOOTFULL
#define BOOTLIMIT CEILING
#else
#define BOOTLIMIT REST
#endif
#define STARTANEW(I) OVERTAKE(0, I); OVERTAKE(1, I); c[0].met[I] = 0; c[1].met[I] = 0; promise[I] = 0; NOWRITE(I); MAYGOUP(I, REST)
#define BOOT(I) :: d_step { true -> STARTANEW(I); limit[I] = BOOTLIMIT; left[I] = 0 }

#ifdef SLEEP
#define DOZE(I) :: d_step { !asleep[I] -> asleep[I] = 1 } \
    :: d_step { asleep[I] -> asleep[I] = 0; if :: left[I] == 0 -> limit[I] = REST :: else fi }
#define DRAWN(I) (asleep[I] -> 0 : limit[I])
#ifdef AWAKE
#define GOESON(I) (!asleep[I])
#else
#define GOESON(I) (true)
#endif
#else
#define DOZE(I)
#define DRAWN(I) limit[I]
#define GOESON(I) (true)
#endif

/* One jump at a time, which only says so when it is heard. It ends when the node counts as what it is: as a boot at its rest. */
#ifdef JUMP
#define LEAP(I) :: d_step { !jumped[0] && !jumped[1] -> jumped[I] = 1 } \
    :: d_step { jumped[I] -> jumped[I] = 0; if :: I == 0 -> STARTANEW(0) :: else fi; limit[I] = REST; left[I] = 0 }
#define HAS(I) (jumped[I] -> CEILING : DRAWN(I))
#else
#define LEAP(I)
#define HAS(I) DRAWN(I)
#endif

#ifdef NOWAIT
#define UNKNOWN(K, I) c[K].belief[I] = REST; c[K].lasts[I] = 0
#else
#define UNKNOWN(K, I) c[K].belief[I] = CEILING; c[K].lasts[I] = TTL
#endif
/* What waits for a paused process is there when it takes over; a process that starts again has no such thing. */
#define LEAD(K) c[K].on = 1; c[K].renewing = 0; UNKNOWN(K, 0); UNKNOWN(K, 1); c[K].heard[0] = 0; c[K].met[0] = 0; c[K].echo[0] = 0
#define RESTART(K) :: d_step { holder == K -> LEAD(K); FORGET(K, 0); c[K].valid = 0 } \
    :: d_step { holder != K && c[K].on -> c[K].on = 0; c[K].valid = 0 }

#define END(I) if :: GOESON(I) -> DOWN(left[I]); DOWN(promise[I]); WRITEEND(I); \
    if :: left[I] == 0 && AWAKENOW(I) -> limit[I] = REST :: else fi; NOTHIGHER(I) :: else fi
#define BELIEFEND(K, I) DOWN(c[K].lasts[I]); c[K].belief[I] = (c[K].lasts[I] == 0 -> REST : c[K].belief[I])
#define SERVE(K, W) :: d_step { ANSWERS(K) && ((W) <= limit[1] || FITS(K, 1, W)) -> \
    c[K].belief[1] = W; c[K].lasts[1] = TTL; limit[1] = W; left[1] = TTL }
#define BOTH(M) M(0, 0) M(1, 0)
#define GRANTING(K, I) ANSWER(K, I, 1) ANSWER(K, I, 2) ANSWER(K, I, 3) SERVE(K, 1) SERVE(K, 2) SERVE(K, 3)

#define KEPT (HAS(0) + HAS(1) <= BUDGET)
#ifdef ROW
#define ROWKEPT (HAS(0) <= ROWBUDGET)
#else
#define ROWKEPT (true)
#endif

init {
    d_step { LEAD(0); c[0].valid = LEASE };
    do
    :: atomic { !(KEPT && ROWKEPT) -> assert(false) }
    :: d_step { true -> END(0); END(1); BELIEFEND(0, 0); BELIEFEND(0, 1); BELIEFEND(1, 0); BELIEFEND(1, 1);
        DOWN(c[0].valid); DOWN(c[1].valid); DOWN(c[0].renewing); DOWN(c[1].renewing); DOWN(unseen) }
    BOTH(ASK) BOTH(GRANTING) BOTH(LOSE) BOTH(TAKE) LAND(0) VARY BOOT(0) DOZE(0) LEAP(0) LEAP(1) RESTART(0) RESTART(1)
    /* A renewal is sent, and committed later: its time counts from the sending. */
    :: d_step { c[holder].on -> c[holder].renewing = LEASE }
    :: d_step { c[holder].renewing > 0 -> c[holder].valid = c[holder].renewing; c[holder].renewing = 0; unseen = LEASE }
    :: d_step { unseen == 0 && holder == 0 -> holder = 1; unseen = LEASE; LEAD(1); c[1].valid = LEASE }
    :: d_step { unseen == 0 && holder == 1 -> holder = 0; unseen = LEASE; LEAD(0); c[0].valid = LEASE }
    od
}
