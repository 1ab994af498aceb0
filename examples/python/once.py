# Run it twice, or in two terminals at once: `python examples/python/once.py [host:port]`
import sys
import uuid

import holdfast

order = {"id": "order-1042", "amount": 4900, "currency": "EUR"}


def charge(attempt):
    print(f"charging {order['id']}: attempt {attempt.number}, fence {attempt.fence}")
    # The work. Give attempt.fence to what it changes, and look at attempt.lost between steps.
    return {"chargeId": str(uuid.uuid4()), "amount": order["amount"]}


with holdfast.connect(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7400") as hf:
    done = hf.once("charge", order["id"], input=order, work=charge)

print("charged before:" if done.replayed else "charged now:", done.value["chargeId"])
