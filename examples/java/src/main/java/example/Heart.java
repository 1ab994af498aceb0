package example;

import com.google.protobuf.util.Durations;
import holdfast.v1.Idempotency.HeartbeatRequest;
import holdfast.v1.Idempotency.Lease;
import holdfast.v1.IdempotencyServiceGrpc.IdempotencyServiceBlockingStub;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Extends a lease while the work runs, and interrupts the work's thread when it is over. */
final class Heart {
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2, work -> {
    Thread thread = new Thread(work, "holdfast-heartbeat");
    thread.setDaemon(true);
    return thread;
  });
  private final IdempotencyServiceBlockingStub stub;
  private final Lease lease;
  private final Thread worker;
  private ScheduledFuture<?> end;
  private boolean isStopped;

  /** @param sentAtNanos when the claim was sent: by this clock the lease cannot have begun earlier. */
  Heart(IdempotencyServiceBlockingStub stub, Lease lease, long sentAtNanos, Thread worker) {
    this.stub = stub;
    this.lease = lease;
    this.worker = worker;
    endAfter(lease, sentAtNanos);
  }

  void start() {
    long interval = Durations.toNanos(lease.getHeartbeatInterval());
    timer.scheduleWithFixedDelay(this::beat, interval, interval, TimeUnit.NANOSECONDS);
  }

  private void beat() {
    long sentAt = System.nanoTime();
    try {
      HeartbeatRequest request = HeartbeatRequest.newBuilder().setHandle(lease.getHandle()).build();
      endAfter(stub.withDeadlineAfter(10, TimeUnit.SECONDS).heartbeat(request).getLease(), sentAt);
    } catch (StatusRuntimeException error) {
      Code code = error.getStatus().getCode();
      // The lease runs on, and the next beat may reach a server.
      if (code == Code.UNAVAILABLE || code == Code.DEADLINE_EXCEEDED || code == Code.CANCELLED) return;
      lost();
    }
  }

  private synchronized void endAfter(Lease extended, long sentAtNanos) {
    if (isStopped) return;
    if (end != null) end.cancel(false);
    long left = Durations.toNanos(extended.getWaited()) + Durations.toNanos(extended.getRemaining());
    end = timer.schedule(this::lost, left - (System.nanoTime() - sentAtNanos), TimeUnit.NANOSECONDS);
  }

  private synchronized void lost() {
    if (!isStopped) worker.interrupt();
  }

  synchronized void stop() {
    isStopped = true;
    timer.shutdownNow();
  }
}
