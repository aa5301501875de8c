// A cycle of SPLIT=demand over eight packages whose loads change all the time: meters, demands and the decision, as the controller's loop has
// them. Prints the median and the 99th percentile in nanoseconds.
import Glibc
import Policy
import PowercapProtocol

let (count, cycles, step_ns) = (8, 20_000, DemandMeter.step_ns)
var policy = PowerPolicy()
(policy.source, policy.maxSource, policy.raplMinPower, policy.split) = (.constant, .watts(800), .watts(40), .demand)
let devices = (0..<count).map { number in
    func range(_ index: UInt8, _ watts: UInt64) -> Device.LimitRange {
        Device.LimitRange(index: index, floor: .watts(40), ceiling: .watts(watts), original: .watts(watts))
    }
    return Device(
        name: DeviceName("package-\(number)"), zone: "intel-rapl:\(number)", reference: .watts(150), longTerm: range(0, 150),
        shortTerm: range(1, 180))
}
let reading = powerSource(for: policy).reading(at: Moment(seconds: 0, local: LocalTime(year: 2026, month: 6, day: 21)))
var (meters, energy_uj) = (Array(repeating: DemandMeter(), count: count), Array(repeating: UInt64(0), count: count))
var (last, moved): (Decision?, Int) = (nil, 0)
var times_ns: [UInt64] = []
var seed: UInt64 = 1

func now_ns() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

for cycle in 1...UInt64(cycles) {
    for index in 0..<count {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        energy_uj[index] += (40 + seed >> 33 % 110) * 2_000_000
    }
    let start_ns = now_ns()
    for index in 0..<count {
        meters[index].note(
            Reading(energy_uj[index]), at: cycle * step_ns, range: Microjoules(.max),
            limit: last?.devices[index].longTerm ?? .watts(100))
        meters[index].endStep(ceiling: .watts(150), isSlowed: false)
    }
    let demands = meters.compactMap(\.demand)
    let decision = decide(
        devices: devices, policy: policy, reading: reading,
        workload: Workload(demands: demands.count == count ? demands : nil), last: last)
    times_ns.append(now_ns() - start_ns)
    if decision.devices != last?.devices { moved += 1 }
    last = decision
}
guard moved > cycles / 10 else { fatalError("limits hardly move: nothing was measured") }
times_ns.sort()
print(times_ns[cycles / 2], times_ns[cycles * 99 / 100])
