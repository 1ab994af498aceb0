package example;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import holdfast.v1.Idempotency.Acquired;
import holdfast.v1.Idempotency.ClaimRequest;
import holdfast.v1.Idempotency.ClaimResponse;
import holdfast.v1.Idempotency.CompleteRequest;
import holdfast.v1.Idempotency.FailKind;
import holdfast.v1.Idempotency.FailRequest;
import holdfast.v1.Idempotency.Fingerprint;
import holdfast.v1.Idempotency.Lease;
import holdfast.v1.Idempotency.LeaseHandle;
import holdfast.v1.Idempotency.RecordKey;
import holdfast.v1.Idempotency.Result;
import holdfast.v1.IdempotencyServiceGrpc.IdempotencyServiceBlockingStub;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A piece of work done once, by hand, over the generated stub: claim, heartbeat, complete, replay. What a whole client does
 * beyond it (checkpoints, reconciling, typed errors) is described in docs/clients/other-languages.md.
 */
final class Once {
  /** One run of the work. It is interrupted when its lease is over: somebody else may be working then. */
  record Attempt(long fence, int number) {}

  /** The stored JSON, which everybody gets byte by byte. */
  record Done(String json, boolean replayed) {}

  interface Work {
    String run(Attempt attempt) throws Exception;
  }

  private static final Duration WAIT = Durations.fromSeconds(30);
  private static final long ANSWER_SECONDS = 10;
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final IdempotencyServiceBlockingStub stub;

  Once(IdempotencyServiceBlockingStub stub) {
    this.stub = stub;
  }

  /** @param input canonical JSON (RFC 8785), of which the server gets the hash: other input under the same key is refused. */
  Done run(String scope, String key, String input, Work work) throws Exception {
    // One id for all tries of a claim: the server knows by it that a claim came again, and not another one.
    ClaimRequest claim = ClaimRequest.newBuilder()
        .setKey(RecordKey.newBuilder().setScope(scope).setKey(key))
        .setClaimId(UUID.randomUUID().toString())
        .setFingerprint(Fingerprint.newBuilder().setAlgorithm("jcs-sha256").setDigest(sha256(input)))
        .setWait(WAIT)
        .build();
    while (true) {
      long sentAt = System.nanoTime();
      ClaimRequest sent = claim;
      ClaimResponse answer;
      try {
        answer = retrying(deadline(), () -> after(WAIT).claim(sent));
      } catch (StatusRuntimeException error) {
        // What this claim had was lost meanwhile. Another one is another try.
        if (!reasonOf(error).equals("CLAIM_ENDED")) throw error;
        claim = claim.toBuilder().setClaimId(UUID.randomUUID().toString()).build();
        continue;
      }
      switch (answer.getDetailCase()) {
        case COMPLETED:
          return new Done(answer.getCompleted().getResult().getInline().toStringUtf8(), true);
        case ACQUIRED:
          // A lease that came after a wait may have come too late: the same claim tells whether it still holds.
          if (Durations.toNanos(answer.getAcquired().getLease().getWaited()) == 0) {
            return perform(answer.getAcquired(), sentAt, work);
          }
          claim = claim.toBuilder().clearWait().build();
          break;
        case IN_PROGRESS:
          claim = claim.toBuilder().setWait(WAIT).build();
          break;
        case RETRY_SCHEDULED:
          Thread.sleep(Durations.toMillis(answer.getRetryScheduled().getRetryAfter()));
          break;
        default:
          // FAILED, OUTCOME_UNKNOWN, EXPIRED: ends that the caller has to know of.
          throw new IllegalStateException(answer.getOutcome() + " of " + scope + " " + key);
      }
    }
  }

  private Done perform(Acquired acquired, long sentAt, Work work) throws Exception {
    Lease lease = acquired.getLease();
    LeaseHandle handle = lease.getHandle();
    Heart heart = new Heart(stub, lease, sentAt, Thread.currentThread());
    String json;
    try {
      heart.start();
      json = work.run(new Attempt(lease.getFence(), lease.getAttempt()));
    } catch (Exception error) {
      heart.stop();
      Status status = Status.newBuilder().setCode(2).setMessage(String.valueOf(error.getMessage())).build();
      FailRequest fail =
          FailRequest.newBuilder().setHandle(handle).setKind(FailKind.FAIL_KIND_RETRYABLE).setError(status).build();
      try {
        retrying(deadline(), () -> after(Durations.ZERO).fail(fail));
      } catch (StatusRuntimeException lost) {
        error.addSuppressed(lost);
      }
      throw error;
    }
    // Heartbeats go on until the end is stored: to store it may take a while too.
    Result result = Result.newBuilder().setInline(ByteString.copyFromUtf8(json)).setContentType("application/json").build();
    CompleteRequest complete = CompleteRequest.newBuilder().setHandle(handle).setResult(result).build();
    try {
      // The same content until it is known to be stored: the server takes it once.
      retrying(deadline(), () -> after(Durations.ZERO).complete(complete));
    } finally {
      heart.stop();
    }
    return new Done(json, false);
  }

  private IdempotencyServiceBlockingStub after(Duration wait) {
    return stub.withDeadlineAfter(Durations.toSeconds(wait) + ANSWER_SECONDS, TimeUnit.SECONDS);
  }

  private static long deadline() {
    return System.nanoTime() + RETRY_NANOS;
  }

  /** Again with full jitter, where it may help and does no harm; see conformance/README.md for all of the rules. */
  private static <T> T retrying(long untilNanos, Supplier<T> call) throws InterruptedException {
    for (int tries = 0; ; tries++) {
      try {
        return call.get();
      } catch (StatusRuntimeException error) {
        boolean helps = switch (error.getStatus().getCode()) {
          case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> true;
          default -> false;
        };
        if (!helps || System.nanoTime() > untilNanos) throw error;
        Thread.sleep(ThreadLocalRandom.current().nextLong(50L << Math.min(tries, 6)) + 1);
      }
    }
  }

  static String reasonOf(StatusRuntimeException error) {
    Status status = StatusProto.fromThrowable(error);
    if (status == null) return "";
    for (Any detail : status.getDetailsList()) {
      if (!detail.is(ErrorInfo.class)) continue;
      try {
        return detail.unpack(ErrorInfo.class).getReason();
      } catch (InvalidProtocolBufferException unreadable) {
        return "";
      }
    }
    return "";
  }

  private static ByteString sha256(String text) throws NoSuchAlgorithmException {
    return ByteString.copyFrom(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }
}
