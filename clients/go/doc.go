// Package holdfast lets many processes agree that a piece of work is done once.
//
// [Once] does the work if nobody has, waits for whoever is at it, or returns what it returned before. When its holder
// dies, one of those who wait does it. At most one attempt holds a record at a time, and one result is stored, whatever
// crashes. A side effect outside happens once only if its target checks [Attempt.Fence], or with [Hold] and a
// reconciler: see [Reconcile].
//
// Whatever goes wrong between the caller and the record is an [*Error], or has one in it:
//
//	if errors.Is(err, holdfast.ReasonFingerprintMismatch) { ... }
//	if quota, is := errors.AsType[*holdfast.QuotaLeasesError](err); is { ... }
package holdfast

// Version is that of this client.
const Version = "0.1.0"
