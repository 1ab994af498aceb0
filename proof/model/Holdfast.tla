------------------------------ MODULE Holdfast ------------------------------
(***************************************************************************)
(* What Holdfast does with a record, small enough for every order of       *)
(* events to be tried: claim, takeover, late end, unknown outcome and its  *)
(* reconciler, the flag of those who wait, and the wake-up.                *)
(*                                                                         *)
(* One step is one thing that nothing can come between: a statement of     *)
(* src/store/postgres that takes its row lock, a snapshot, or what a       *)
(* server does between two awaits.  Time is not counted: a lease may run   *)
(* out at any moment (Lapse), a message may take for ever, a client may    *)
(* stop at any point, for nothing makes it go on.                          *)
(*                                                                         *)
(* The worst is assumed of what the fence and the token protect each       *)
(* other from: every lease that a server grants has the same token, which  *)
(* is the server's name, and everybody knows every fence.                  *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Servers, Keys, Clients,
  None,          \* no client, no server
  Reconcilers,   \* the clients that only look into unknown outcomes
  Hold,          \* on_lease_expiry = HOLD for all records, otherwise REACQUIRE
  Ends,          \* how attempts may end: "complete", "retryable", "unknown", "not-started"
  Waits,         \* a Claim that is told "in progress" waits in the hub; otherwise it ends and is made again
  Backstop,      \* servers read what is waited for from time to time, though nobody has said that it changed
  NotesGetLost,  \* a notification may never arrive
  Forgets,       \* ended records reach the end of their tombstone
  Lapses, Losses, Crashes, Beats,  \* how often: a lease runs out, an answer is lost, a server dies, a holder heartbeats
  Mutant         \* "none", or the name of what is taken out: see README.md

VARIABLES
  rec,      \* the database: one row per key
  floor,    \* holdfast.fence_floor: the highest fence of any row that was deleted
  client,   \* what each client does, holds and has been told
  calls,    \* requests on their way, at work in a server, or waiting there
  hub,      \* for each server and key: the entry of src/waiting/entry.ts
  notes,    \* <<server, key>>: a notification that has not arrived yet
  left      \* how much of what goes wrong is left

vars == <<rec, floor, client, calls, hub, notes, left>>
Symmetry == Permutations(Servers) \cup Permutations(Keys) \cup Permutations(Clients \ Reconcilers)

----------------------------------------------------------------------------
(* The record *)

NoLease == [token |-> None, fence |-> 0]
NoId    == [of |-> None, n |-> 0]
Nothing == [kind |-> "nothing", by |-> None]

Absent == [st |-> "absent", lapsed |-> FALSE, token |-> None, fence |-> 0, id |-> NoId,
           suspect |-> NoLease, flag |-> FALSE, said |-> Nothing]

LeaseOf(r) == [token |-> r.token, fence |-> r.fence]
Ended(r)   == r.st = "completed"   \* FAILED is another word for it
Unknown(r) == r.st = "unknown" \/ (r.st = "progress" /\ r.lapsed /\ (Hold \/ r.suspect # NoLease))
Claimable(r) == r.st = "available" \/ (r.st = "progress" /\ r.lapsed /\ ~Unknown(r))

(* The order of checks of a claim, contract.md 2 to 11.  "take": the row is to be acquired or reattached. *)
Decide(r, call) ==
  LET reconciles == call.by \in Reconcilers IN
  CASE r.st = "absent"    -> IF reconciles THEN "not-found" ELSE "insert"
    [] Ended(r)           -> "completed"
    [] r.id = call.id     -> IF r.st = "progress" THEN "take" ELSE IF r.st = "unknown" /\ ~reconciles THEN "unknown" ELSE "claim-ended"
    [] r.id # call.id /\ Unknown(r)   -> IF reconciles THEN "take" ELSE "unknown"
    [] r.id # call.id /\ Claimable(r) ->
         IF ~reconciles THEN "take" ELSE IF r.st = "available" THEN "invalid" ELSE "in-progress"
    [] OTHER              -> "in-progress"

(* What the row is after the claim has taken it: the arrows into IN_PROGRESS. *)
Taken(r, call) ==
  LET fresh == [r EXCEPT !.st = "progress", !.lapsed = FALSE, !.token = call.at, !.fence = r.fence + 1, !.id = call.id] IN
  CASE r.id = call.id -> [r EXCEPT !.lapsed = FALSE]                                      \* REATTACHED: same token, same fence
    [] r.id # call.id /\ call.by \in Reconcilers ->
         [fresh EXCEPT !.suspect = IF r.suspect = NoLease THEN LeaseOf(r) ELSE r.suspect] \* RECONCILE: the suspect keeps its say
    [] OTHER          -> [fresh EXCEPT !.suspect = NoLease, !.said = Nothing]             \* TAKEOVER, RETRY

Created(call, fence) ==
  [Absent EXCEPT !.st = "progress", !.token = call.at, !.fence = fence, !.id = call.id]

(* Complete and Fail, contract.md "Tokens": the first match wins.  Time is never looked at. *)
Fits(r, lease) == (Mutant = "M3" \/ r.token = lease.token) /\ (Mutant = "M4" \/ r.fence = lease.fence)
OfSuspect(r, lease, said) == r.suspect # NoLease /\ r.suspect = lease /\ said.kind = "complete"

Judge(r, lease, said) ==
  CASE r.st = "absent"                           -> "not-found"
    [] OfSuspect(r, lease, said) /\ Ended(r)     -> IF r.said = said THEN "already" ELSE "conflict"
    [] OfSuspect(r, lease, said) /\ r.st \in {"unknown", "progress"} -> "ended"
    [] ~Fits(r, lease)                           -> "superseded"
    [] r.st \in {"completed", "available"}       -> IF r.said = said THEN "already" ELSE "conflict"
    [] OTHER                                     -> "ended"

After == [complete |-> "completed", retryable |-> "available", unknown |-> "unknown"] @@ ("not-started" :> "available")

Finished(r, lease, said) ==
  [r EXCEPT !.st = After[said.kind], !.lapsed = FALSE, !.said = said,
            !.suspect = IF said.kind = "unknown" \/ OfSuspect(r, lease, said) THEN r.suspect ELSE NoLease]

----------------------------------------------------------------------------
(* Hubs *)

Resting == [at |-> "off", rung |-> FALSE, seen |-> Absent]

(* M5: what rings while the record is read for the first time, or again, finds nobody in the map. *)
InMap(entry) == entry.at # "off" /\ (Mutant = "M5" => entry.at = "rest")
Rung(entry)  == IF InMap(entry) THEN [entry EXCEPT !.rung = TRUE] ELSE entry

WaitingAt(s, k) == {call \in calls : call.step = "wait" /\ call.at = s /\ client[call.by].key = k}

(* After a change has committed: whoever waits on this server is woken, and all servers are notified if it was flagged. *)
WakeHub(h, s, k) == [h EXCEPT ![s][k] = Rung(h[s][k])]
Notified(flag, k) == IF flag THEN notes \cup (Servers \X {k}) ELSE notes

----------------------------------------------------------------------------
(* Clients *)

NewCall(c, what, try, s) ==
  [by |-> c, what |-> what, try |-> try, at |-> s, step |-> IF what = "claim" THEN "read" ELSE "commit",
   id |-> [of |-> c, n |-> IF Mutant = "M16" THEN try ELSE 1],   \* M16: a retry makes a claim_id anew
   seen |-> Absent, out |-> "", promoted |-> FALSE]

SaidBy(c) == [kind |-> client[c].end, by |-> c]
What(c) == IF client[c].pc = "claiming" THEN "claim" ELSE "finish"

(* Claim is called; who was told "in progress" and did not wait calls again when it likes. *)
Begin(c) == \E s \in Servers, k \in Keys :
  /\ client[c].pc = "idle" /\ client[c].key \in {None, k}
  /\ c \in Reconcilers => Unknown(rec[k])   \* ListRecords has named it
  /\ client' = [client EXCEPT ![c].pc = "claiming", ![c].key = k]
  /\ calls' = calls \cup {NewCall(c, "claim", client[c].try, s)}
  /\ UNCHANGED <<rec, floor, hub, notes, left>>

(* Complete, or Fail with what it says.  NOT_STARTED is a reconciler's verdict here. *)
End(c) == \E s \in Servers, how \in Ends :
  /\ client[c].pc = "holding"
  /\ how = "not-started" => c \in Reconcilers
  /\ client' = [client EXCEPT ![c].pc = "ending", ![c].end = how]
  /\ calls' = calls \cup {NewCall(c, "finish", client[c].try, s)}
  /\ UNCHANGED <<rec, floor, hub, notes, left>>

(* The answer is late or lost: the same call is made again, on any server, while the first may still be at work. *)
Lose(c) == \E s \in Servers :
  /\ client[c].pc \in {"claiming", "ending"} /\ left.losses > 0
  /\ client' = [client EXCEPT ![c].try = @ + 1]
  /\ calls' = calls \cup {NewCall(c, What(c), client[c].try + 1, s)}
  /\ left' = [left EXCEPT !.losses = @ - 1]
  /\ UNCHANGED <<rec, floor, hub, notes>>

(* After its server died. *)
Again(c) == \E s \in Servers :
  /\ client[c].pc \in {"claiming", "ending"}
  /\ \A call \in calls : call.by = c => call.try # client[c].try
  /\ client' = [client EXCEPT ![c].try = @ + 1]
  /\ calls' = calls \cup {NewCall(c, What(c), client[c].try + 1, s)}
  /\ UNCHANGED <<rec, floor, hub, notes, left>>

(* heartbeat.sql: a holder extends its lease; one that has lapsed by time only is revived. *)
Beat(c) == LET k == client[c].key IN
  /\ client[c].pc = "holding" /\ left.beats > 0
  /\ rec[k].st = "progress" /\ LeaseOf(rec[k]) = client[c].lease
  /\ rec' = [rec EXCEPT ![k].lapsed = FALSE]
  /\ left' = [left EXCEPT !.beats = @ - 1]
  /\ UNCHANGED <<floor, client, calls, hub, notes>>

(* What a client makes of the answer to its current try. *)
Hears(c, call) ==
  IF call.try # client[c].try \/ client[c].pc \notin {"claiming", "ending"} THEN client[c] ELSE
  CASE call.out \in {"acquired", "reattached"} -> [client[c] EXCEPT !.pc = "holding", !.lease = LeaseOf(call.seen)]
    [] call.out = "in-progress"                -> [client[c] EXCEPT !.pc = "idle"]
    [] OTHER -> [client[c] EXCEPT !.pc = "done", !.told = call.out,
                                  !.result = IF call.out = "completed" THEN call.seen.said ELSE Nothing]

----------------------------------------------------------------------------
(* Claims, in a server *)

Become(call, next) == calls' = (calls \ {call}) \cup {next}
Told(call, r, out) == [call EXCEPT !.step = "tell", !.out = out, !.seen = r]

(* claim.sql reads.  A record that is there is reported as it was read; what is to be taken is reclaim.sql's. *)
ClaimRead == \E call \in calls :
  /\ call.what = "claim" /\ call.step = "read"
  /\ LET r == rec[client[call.by].key]  verdict == Decide(r, call) IN
     Become(call, CASE verdict = "insert" -> [call EXCEPT !.step = "insert"]
                    [] verdict = "take"   -> [call EXCEPT !.step = "reclaim"]
                    [] OTHER              -> Told(call, r, verdict))
  /\ UNCHANGED <<rec, floor, client, hub, notes, left>>

(* (absent) -> IN_PROGRESS.  claim.sql: on conflict do nothing; whoever loses reads anew. *)
ClaimInsert == \E call \in calls : LET k == client[call.by].key IN
  /\ call.what = "claim" /\ call.step = "insert"
  /\ IF rec[k].st = "absent"
     THEN /\ rec' = [rec EXCEPT ![k] = Created(call, floor + 1)]
          /\ Become(call, Told(call, rec'[k], "acquired"))
     ELSE /\ Become(call, [call EXCEPT !.step = "read"])
          /\ UNCHANGED rec
  /\ UNCHANGED <<floor, client, hub, notes, left>>

(* reclaim.sql and reconcile.sql: a snapshot of their own decides... *)
Reclaim == \E call \in calls :
  /\ call.what = "claim" /\ call.step = "reclaim"
  /\ LET r == rec[client[call.by].key]  verdict == Decide(r, call) IN
     Become(call, CASE verdict = "insert" -> [call EXCEPT !.step = "read"]
                    [] verdict = "take"   -> [call EXCEPT !.step = "take", !.seen = r]
                    [] OTHER              -> Told(call, r, verdict))
  /\ UNCHANGED <<rec, floor, client, hub, notes, left>>

(* ... and the row is taken only if it still is as it was read, once it is locked: compare and set. *)
Unchanged(r, seen) ==
  \/ Mutant = "no-compare"
  \/ r.st = seen.st /\ r.fence = seen.fence /\ (seen.lapsed => r.lapsed)

Take == \E call \in calls : LET k == client[call.by].key IN
  /\ call.what = "claim" /\ call.step = "take"
  /\ IF Unchanged(rec[k], call.seen)
     THEN /\ rec' = [rec EXCEPT ![k] = Taken(rec[k], call)]
          /\ Become(call, Told(call, rec'[k], IF rec[k].id = call.id THEN "reattached" ELSE "acquired"))
     ELSE /\ Become(call, [call EXCEPT !.step = "read", !.seen = Absent])
          /\ UNCHANGED rec
  /\ UNCHANGED <<floor, client, hub, notes, left>>

----------------------------------------------------------------------------
(* Ends, in a server *)

(* finish.sql: IN_PROGRESS -> COMPLETED, AVAILABLE or OUTCOME_UNKNOWN.  What it does not end is told why not. *)
Finish == \E call \in calls : LET k == client[call.by].key  lease == client[call.by].lease  said == SaidBy(call.by)
                    verdict == Judge(rec[k], lease, said) IN
  /\ call.what = "finish"
  /\ call.step = IF Mutant \in {"M7", "M14"} THEN "late" ELSE "commit"
  /\ rec' = IF verdict = "ended" THEN [rec EXCEPT ![k] = Finished(rec[k], lease, said)] ELSE rec
  /\ Become(call, Told(call, rec'[k], verdict))
  /\ UNCHANGED <<floor, client, hub, notes, left>>

(* M7: wakes everybody before the commit, and nobody after.  M14: answers before the commit. *)
FinishTooEarly == \E call \in calls : LET k == client[call.by].key IN
  /\ call.what = "finish" /\ call.step = "commit" /\ Mutant \in {"M7", "M14"}
  /\ Become(call, [call EXCEPT !.step = "late"])
  /\ hub' = IF Mutant = "M7" THEN WakeHub(hub, call.at, k) ELSE hub
  /\ notes' = IF Mutant = "M7" THEN Notified(rec[k].flag, k) ELSE notes
  /\ client' = IF Mutant = "M14"
               THEN [client EXCEPT ![call.by] = Hears(call.by, [call EXCEPT !.out = "ended"])] ELSE client
  /\ UNCHANGED <<rec, floor, left>>

(* Waking-store and answer: the statement has committed; what it changed is passed on, then the caller is told. *)
Changed(call) == call.out \in {"acquired", "ended", "already"} /\ ~(Mutant = "M7" /\ call.what = "finish")
StaysToWait(call) == Waits /\ call.what = "claim" /\ call.out = "in-progress" /\ call.by \notin Reconcilers

Tell == \E call \in calls : LET k == client[call.by].key
                  woken == IF Changed(call) THEN WakeHub(hub, call.at, k) ELSE hub
                  entry == woken[call.at][k] IN
  /\ call.step = "tell"
  /\ notes' = Notified(Changed(call) /\ call.seen.flag, k)
  /\ hub' = [woken EXCEPT ![call.at][k] =
       IF call.promoted THEN [entry EXCEPT !.at = "hear", !.seen = call.seen]         \* the hub has learnt it
       ELSE IF ~StaysToWait(call) THEN entry
       ELSE IF entry.at = "off" THEN [Resting EXCEPT !.at = "peek"]                   \* in the map before any read
       ELSE [entry EXCEPT !.rung = TRUE]]
  /\ IF StaysToWait(call)
     THEN /\ Become(call, [call EXCEPT !.step = "wait", !.out = "", !.seen = Absent, !.promoted = FALSE])
          /\ UNCHANGED client
     ELSE /\ calls' = calls \ {call}
          /\ client' = [client EXCEPT ![call.by] = Hears(call.by, call)]
  /\ UNCHANGED <<rec, floor, left>>

----------------------------------------------------------------------------
(* Waiting: "Registration, in this order" of storage.md *)

(* The holder has died, or is slow: the hub's timer rings at the end of the lease that it has read. *)
TimerRings(entry, r) ==
  Mutant # "no-timer" /\ r.st = "progress" /\ r.lapsed /\ entry.seen.fence = r.fence /\ ~entry.seen.lapsed
Polls == Backstop /\ Mutant # "no-backstop"

(* 2. peek.sql: one reading for all who wait.  6. A rest ends when something rings, at the timer, or by the backstop.
   What rings from here on makes it read again. *)
Peek(s, k) == LET entry == hub[s][k] IN
  /\ \/ entry.at = "peek"
     \/ entry.at = "rest" /\ (entry.rung \/ TimerRings(entry, rec[k]) \/ Polls)
  /\ hub' = [hub EXCEPT ![s][k] = [at |-> "hear", rung |-> FALSE, seen |-> rec[k]]]
  /\ UNCHANGED <<rec, floor, client, calls, notes, left>>

(* 3. The order of checks says of the reading what it would say of each waiter's claim.  Whom it answers is answered;
   of those who could have the record one submits its claim, its owner first.  Otherwise: flag, or rest. *)
Hear(s, k) ==
  LET entry == hub[s][k]  seen == entry.seen  all == WaitingAt(s, k)
      stay == {call \in all : Decide(seen, call) = "in-progress"}
      wish == {call \in all : Decide(seen, call) \in {"take", "insert"}}
      answered == all \ (stay \cup wish)
      owners == {call \in wish : call.id = seen.id}
      next == CASE wish # {}                                         -> "claim"
                [] wish = {} /\ stay = {}                            -> "off"
                [] wish = {} /\ stay # {} /\ entry.rung             -> "peek"
                [] wish = {} /\ stay # {} /\ ~entry.rung            -> IF seen.flag THEN "rest" ELSE "watch"
  IN
  /\ entry.at = "hear"
  /\ client' = [c \in Clients |->
       LET mine == {call \in answered : call.by = c /\ call.try = client[c].try} IN
       IF mine = {} THEN client[c]
       ELSE LET call == CHOOSE each \in mine : TRUE IN Hears(c, Told(call, seen, Decide(seen, call)))]
  /\ IF wish = {} THEN calls' = calls \ answered
     ELSE \E call \in (IF owners = {} THEN wish ELSE owners) :
       calls' = (calls \ (answered \cup {call})) \cup {[call EXCEPT !.step = "read", !.promoted = TRUE]}
  /\ hub' = [hub EXCEPT ![s][k] =
       CASE next \in {"off", "peek"} -> [Resting EXCEPT !.at = next]
         [] next = "claim"           -> [entry EXCEPT !.at = next, !.seen = Absent]
         [] OTHER                    -> [entry EXCEPT !.at = next]]
  /\ UNCHANGED <<rec, floor, notes, left>>

(* 5. watch.sql: flags an open record that still is as it was read; otherwise it is read again. *)
Watch(s, k) ==
  LET entry == hub[s][k]  r == rec[k]
      asRead == r.st = entry.seen.st /\ r.fence = entry.seen.fence /\ ~Ended(r)
      flags == ~r.flag /\ r.st # "absent" /\ (Mutant = "M6" \/ asRead) IN
  /\ entry.at = "watch"
  /\ rec' = IF flags THEN [rec EXCEPT ![k].flag = TRUE] ELSE rec
  /\ hub' = [hub EXCEPT ![s][k] =
       IF flags /\ ~entry.rung THEN [entry EXCEPT !.at = "rest"] ELSE [Resting EXCEPT !.at = "peek"]]
  /\ UNCHANGED <<floor, client, calls, notes, left>>

(* The listener: a notification rings whoever waits for the key here, and nobody else. *)
Deliver(s, k) ==
  /\ <<s, k>> \in notes
  /\ notes' = notes \ {<<s, k>>}
  /\ hub' = WakeHub(hub, s, k)
  /\ UNCHANGED <<rec, floor, client, calls, left>>

----------------------------------------------------------------------------
(* What nobody has asked for *)

(* IN_PROGRESS, lease over: claimable under REACQUIRE, unknown under HOLD or under a reconciler.  Nothing is written. *)
Lapse(k) ==
  /\ rec[k].st = "progress" /\ ~rec[k].lapsed /\ left.lapses > 0
  /\ rec' = [rec EXCEPT ![k].lapsed = TRUE]
  /\ left' = [left EXCEPT !.lapses = @ - 1]
  /\ UNCHANGED <<floor, client, calls, hub, notes>>

(* A server dies, at any point: between a commit and its NOTIFY too.  It comes back with nothing. *)
Crash(s) ==
  /\ left.crashes > 0
  /\ calls' = {call \in calls : call.at # s}
  /\ hub' = [hub EXCEPT ![s] = [k \in Keys |-> Resting]]
  /\ notes' = {note \in notes : note[1] # s}
  /\ left' = [left EXCEPT !.crashes = @ - 1]
  /\ UNCHANGED <<rec, floor, client>>

(* NOTIFY fails, the listener is down or half open, a pooler swallows it. *)
LoseNote(s, k) ==
  /\ NotesGetLost /\ <<s, k>> \in notes
  /\ notes' = notes \ {<<s, k>>}
  /\ UNCHANGED <<rec, floor, client, calls, hub, left>>

(* COMPLETED -> EXPIRED -> (absent).  The floor keeps its fence; the promise of the result has run out. *)
Forget(k) ==
  /\ Forgets
  /\ Ended(rec[k]) \/ (Mutant = "M15" /\ rec[k].st = "progress")
  /\ rec' = [rec EXCEPT ![k] = Absent]
  /\ floor' = IF Mutant = "no-floor" \/ rec[k].fence <= floor THEN floor ELSE rec[k].fence
  /\ UNCHANGED <<client, calls, hub, notes, left>>

(* Somebody downstream, who was shown the fence, makes up a token and ends the record. *)
Forge(k) == LET lease == [token |-> None, fence |-> rec[k].fence]  said == [kind |-> "complete", by |-> None] IN
  /\ Judge(rec[k], lease, said) = "ended"
  /\ rec' = [rec EXCEPT ![k] = Finished(rec[k], lease, said)]
  /\ UNCHANGED <<floor, client, calls, hub, notes, left>>

----------------------------------------------------------------------------

Init ==
  /\ rec = [k \in Keys |-> Absent]
  /\ floor = 0
  /\ client = [c \in Clients |-> [pc |-> "idle", key |-> None, try |-> 1, lease |-> NoLease, end |-> "", told |-> "", result |-> Nothing]]
  /\ calls = {}
  /\ hub = [s \in Servers |-> [k \in Keys |-> Resting]]
  /\ notes = {}
  /\ left = [lapses |-> Lapses, losses |-> Losses, crashes |-> Crashes, beats |-> Beats]

InServer == ClaimRead \/ ClaimInsert \/ Reclaim \/ Take \/ FinishTooEarly \/ Finish \/ Tell
InHub(s, k) == Peek(s, k) \/ Hear(s, k) \/ Watch(s, k)

Next ==
  \/ \E c \in Clients : Begin(c) \/ End(c) \/ Lose(c) \/ Again(c) \/ Beat(c)
  \/ InServer
  \/ \E s \in Servers, k \in Keys : InHub(s, k) \/ Deliver(s, k) \/ LoseNote(s, k)
  \/ \E k \in Keys : Lapse(k) \/ Forget(k) \/ Forge(k)
  \/ \E s \in Servers : Crash(s)

Spec == Init /\ [][Next]_vars

(* Servers do their work, and notifications arrive unless they are lost.  Nothing is asked of clients. *)
Fair ==
  /\ WF_vars(InServer)
  /\ \A s \in Servers, k \in Keys : WF_vars(InHub(s, k)) /\ WF_vars(Deliver(s, k))

FairSpec == Spec /\ Fair

----------------------------------------------------------------------------
(* What must hold *)

Leased == {c \in Clients : client[c].lease # NoLease}
Holds(c, r) == r.st = "progress" /\ client[c].lease = LeaseOf(r)

(* At most one current holder. *)
OneHolder == \A k \in Keys : Cardinality({c \in Leased : client[c].key = k /\ Holds(c, rec[k])}) <= 1

(* No two ACQUIRED with one fence of different claim ids. *)
OneClaimPerFence ==
  \A c, d \in Leased : c # d /\ client[c].key = client[d].key => client[c].lease.fence # client[d].lease.fence

(* An acknowledged result is stored, until its retention is over. *)
NothingAcknowledgedIsLost ==
  \A c \in Clients : client[c].told \in {"ended", "already"} /\ client[c].end = "complete" =>
    Ended(rec[client[c].key]) /\ rec[client[c].key].said = SaidBy(c)

(* ... and everybody who is told a result is told that one. *)
OneResult ==
  \A c \in Clients : client[c].told = "completed" => Ended(rec[client[c].key]) /\ rec[client[c].key].said = client[c].result

(* Nobody is told that somebody else is at work, who is this one itself: then it would wait for its own lease to end. *)
NobodyWaitsForItself ==
  \A call \in calls : call.step = "tell" /\ call.out = "in-progress" => call.seen.id.of # call.by

(* Whoever waits is in the map. *)
WaitersAreKnown ==
  \A call \in calls : call.step = "wait" => hub[call.at][client[call.by].key].at # "off"

(* Nobody sleeps for ever: an entry that rests knows the record as it is, or something is on its way that wakes it. With
   the backstop that is no question; what becomes of those who wait is Answered's. *)
OnItsWay(s, k) ==
  \/ hub[s][k].rung \/ <<s, k>> \in notes \/ TimerRings(hub[s][k], rec[k])
  \/ \E call \in calls : call.step = "tell" /\ client[call.by].key = k /\ Changed(call) /\ (call.seen.flag \/ call.at = s)
Knows(entry, r) == entry.seen.st = r.st /\ entry.seen.fence = r.fence /\ (r.lapsed => entry.seen.lapsed)
RestingKnows ==
  Polls \/ \A s \in Servers, k \in Keys : hub[s][k].at = "rest" => Knows(hub[s][k], rec[k]) \/ OnItsWay(s, k)

(* Of steps. *)
(* Fences strictly rise, over takeover, forgetting and claiming anew. *)
FencesRise == [][\A k \in Keys : rec'[k].st # "absent" /\ rec'[k].fence # rec[k].fence =>
  /\ rec[k].st # "absent" => rec'[k].fence > rec[k].fence
  /\ \A c \in Leased : client[c].key = k => client[c].lease.fence < rec'[k].fence]_vars

(* At most one stored end per record: it stays what it is until it is forgotten. *)
EndsStay == [][\A k \in Keys : Ended(rec[k]) =>
  rec'[k].st = "absent" \/ (rec'[k].st = rec[k].st /\ rec'[k].said = rec[k].said /\ rec'[k].fence = rec[k].fence)]_vars

(* Only whoever holds the lease, or the suspect, ends an attempt: a superseded holder's end is refused. *)
OnlyHoldersEnd == [][\A k \in Keys : rec'[k].said # rec[k].said /\ rec'[k].said # Nothing =>
  \E c \in Leased : /\ client[c].key = k /\ rec'[k].said = SaidBy(c)
                    /\ client[c].lease = LeaseOf(rec[k]) \/ client[c].lease = rec[k].suspect]_vars

(* A lease that is not over is taken from nobody. *)
NoTheft == [][\A k \in Keys : rec[k].st = "progress" /\ ~rec[k].lapsed => rec'[k].fence = rec[k].fence]_vars

(* Of whole behaviours, under Fair: whoever waits for a key that has ended is answered. *)
WaitsFor(c, k) == \E call \in calls : call.by = c /\ call.step = "wait" /\ client[c].key = k
Answered == \A c \in Clients, k \in Keys : Ended(rec[k]) /\ WaitsFor(c, k) ~> ~WaitsFor(c, k)
=============================================================================
