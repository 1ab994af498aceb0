package example;

import holdfast.v1.IdempotencyServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.util.UUID;

/** Run it twice, or in two terminals at once: {@code mvn -q compile exec:java -Dexec.args=[host:port]}. */
public final class Main {
  public static void main(String[] args) throws Exception {
    String address = args.length > 0 ? args[0] : "127.0.0.1:7400";
    ManagedChannel channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
    try {
      Once once = new Once(IdempotencyServiceGrpc.newBlockingStub(channel));
      // Canonical JSON (RFC 8785): its members in order, and no space. The other languages' clients make it themselves.
      String order = "{\"amount\":4900,\"currency\":\"EUR\",\"id\":\"order-1042\"}";
      Once.Done done = once.run("charge", "order-1042", order, attempt -> {
        System.out.println("charging order-1042: attempt " + attempt.number() + ", fence " + attempt.fence());
        // The work. Give attempt.fence() to what it changes; it is interrupted when the lease is over.
        return "{\"chargeId\":\"" + UUID.randomUUID() + "\",\"amount\":4900}";
      });
      System.out.println((done.replayed() ? "charged before: " : "charged now: ") + done.json());
    } finally {
      channel.shutdownNow();
    }
  }
}
