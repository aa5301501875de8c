internal import Fleet
internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// Looks whether there is a parent, which divides budgets over shards: the leader of shard 0, by its Lease. Nothing is written.
final class ParentWatch {
    private let client: APIClient
    private let leases: Resource
    private var trouble: Trouble
    private var sign = ParentSign()
    private var inFlight = false
    private var next_ns: UInt64 = 0

    /// Often enough for one answer to be lost, and the next.
    private static let pace_ns: UInt64 = 5_000_000_000

    init(_ client: APIClient, in namespace: String, _ log: Log, _ causes: SharedCauses) {
        self.client = client
        leases = Resource(group: "coordination.k8s.io", "v1", "leases", in: namespace)
        trouble = Trouble("whether shard 0 has a leader can't be seen", log, causes)
    }

    var why: String? { trouble.sentence }
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { inFlight ? .max : next_ns }

    /// - Parameter boot_ns: on CLOCK_BOOTTIME.
    func isThere(_ boot_ns: UInt64) -> Bool { sign.isThere(boot_ns) }

    func step(_ now_ns: UInt64) {
        guard !inFlight, now_ns >= next_ns else { return }
        next_ns = now_ns + ParentWatch.pace_ns
        let sent_ns = Clock.boottime_ns
        do throws(APIProblem) {
            inFlight = true
            _ = try client.send(leases.get(ParentWatch.lease, .metadata)) { [weak self] result in
                guard let self else { return }
                inFlight = false
                switch result {
                case .success(let answer):
                    let interest = JSONInterest.members(["metadata": .members(["resourceVersion": .all])])
                    let object = try? JSON(answer.body, interest, within: .file)
                    if let version = object?["metadata"]?["resourceVersion"]?.text { sign.read(version, now_ns: sent_ns) }
                    _ = trouble.end()
                // Nobody has ever led it.
                case .failure(let problem) where problem.status == 404: _ = trouble.end()
                case .failure(let problem): next_ns = trouble.met(problem, Clock.monotonic_ns)
                }
            }
        } catch {
            inFlight = false
            next_ns = trouble.met(error, now_ns)
        }
    }

    private static let lease = "powercap-coordinator-0"
}
