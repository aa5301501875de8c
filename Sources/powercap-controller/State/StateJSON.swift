internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// As programs read it; docs/interface.md describes it. Numbers carry their unit in the name; null is what isn't known, or isn't there.
extension NodeState {
    /// Of the document: another one where something that is described changes its meaning or goes away.
    static let format: UInt64 = 1

    var json: JSON {
        let change = nextChange
        return [
            "format": .whole(NodeState.format), "explanation": explanation(change).json, "controller": controllerJSON,
            "node": nodeJSON,
            "condition": condition.json, "work": work?.json ?? .null, "source": source.json(grantEnd), "overrides": overridesJSON,
            "next": nextJSON(change),
            "packages": .list(devices.filter { $0.kind == .package }.map(\.json)), "devices": .list(devices.map(\.json)),
            "server": serverJSON, "services": .list(services.map(json(of:))), "helper": helper.welcome?.json ?? .null,
            "control": controlJSON,

            // In control there are none, and without it only the helper knows.
            "held_limits": helper.lease == nil ? .null : .whole(0), "zones": .list(zones.map(\.json)), "api": api?.json ?? .null,
            "listeners": .list(
                listeners.map { ["name": .text($0.name), "place": .text($0.place), "problem": .text($0.problem)] }),
            "counts": counts.json,
            "configuration": settings.json,
        ]
    }

    private var controllerJSON: JSON {
        [
            "version": .text("\(Release.version)"), "state": .text(phase.rawValue), "now": .text(Instant(now.seconds).text),
            "started": .text(Instant(started).text), "helper_socket": .text(helper.socket), "problem": .text(helper.problem),
        ]
    }

    private var nodeJSON: JSON {
        let decision = decision?.decision
        return [
            "in_force_uw": .power(inForce), "power_uw": .power(drawn), "limit_uw": .power(decision?.nodeLimit),
            "reason": .text(decision?.reason.rawValue), "decided": .text(self.decision.map { Instant($0.at).text }),
            "fallback_uw": .power(fallback), "boots_at_fallback": limits == nil ? .null : .flag(bootsAtFallback),
            "floor_uw": .power(decision?.floor), "ceiling_uw": .power(decision?.ceiling),
            "reference_uw": .power(decision?.reference),
            "shape": decision?.shape.map {
                ["option": .text($0.cause?.option), "power_uw": .power($0.power), "goal_uw": .power($0.goal)]
            } ?? .null,
            "floors_exceed_budget": decision.map { .flag($0.floorsExceedBudget) } ?? .null,
            "missing": missing.map { .list($0.map { .text($0.rawValue) }) } ?? .null,
        ]
    }

    private func json(of service: DeviceServiceState) -> JSON {
        [
            "url": .text(service.url), "up": .flag(service.isUp), "devices": .whole(service.devices),
            "answered": .text(service.answered_ns.map { Instant(wall($0)).text }), "problem": .text(service.problem),
        ]
    }

    /// null where the node's limit isn't the whole server's.
    private var serverJSON: JSON {
        guard let server = decision?.decision.server else { return .null }
        return [
            "limit_uw": .power(server.limit), "reason": .text(server.reason.rawValue), "meter": .text(meter),
            "meter_uw": .power(server.loop.meter), "rest_uw": .power(server.loop.rest),
            "most_rest_uw": .power(server.loop.mostRest),
            "devices_uw": .power(server.loop.budget),
        ]
    }

    private var overridesJSON: JSON {
        [
            "node": wishes.node.json, "operator": .list(wishes.orders.standing.map { json(of: $0) }),
            "problem": .text(wishes.ordersProblem), "limit_by": .text(wishes.limitHolder?.rawValue),
            "rejected": .list(
                wishes.rejected.map { ["name": .text($0.name), "value": .text($0.value), "why": .text($0.sentence)] }),
            "notes": .list(wishes.notes.map { .text($0) }),
        ]
    }

    func json(of order: Order) -> JSON {
        let limit: Microwatts? = if case .limit(let limit) = order.wish { limit } else { nil }
        return [
            "kind": .text(order.kind.rawValue), "limit_uw": .power(limit), "uid": .whole(order.uid),
            "reason": .text(order.reason),
            "since": .text(Instant(order.since).text), "until": .text(end(of: order).map { Instant($0).text }),
            "left_s": order.left(at: boot_ns).map { .whole($0.rawValue / 1_000) } ?? .null,
        ]
    }

    private func nextJSON(_ change: NextChange?) -> JSON {
        [
            "decision_in_s": nextDecision_ns.map { .whole((max($0, monotonic_ns) - monotonic_ns) / 1_000_000_000) } ?? .null,
            "change": change.map {
                ["at": .text(Instant($0.at).text), "limit_uw": .power($0.nodeLimit), "reason": .text($0.reason.rawValue)]
            } ?? .null,
        ]
    }

    private var controlJSON: JSON {
        guard let lease = helper.lease else { return .null }
        return [
            "holder": .text(HelperClient.name.string), "lease_ms": .whole(lease.time_ms),
            "remaining_ms": .whole((max(lease.ends_ns, monotonic_ns) - monotonic_ns) / 1_000_000),
            "on_lease_expiry": .text(helper.welcome.map { "\($0.onLeaseExpiry)" }),
        ]
    }
}

extension Explanation {
    fileprivate var json: JSON {
        [
            "answer": .text(answer), "because": .list(because.map { .text($0) }), "next": .list(next.map { .text($0) }),
        ]
    }
}

extension Condition {
    fileprivate var json: JSON {
        ["type": .text(Self.type), "status": .text(status.rawValue), "reason": .text(reason), "message": .text(message)]
    }
}

extension SourceState {
    /// - Parameter grantEnd: in seconds since 1970.
    fileprivate func json(_ grantEnd: Int64?) -> JSON {
        [
            "name": .text(name.rawValue), "power_uw": .power(reading.power),
            "signal": reading.signal.map { .number("\($0)") } ?? .null, "age_ms": .whole(reading.age.rawValue),
            "read": .text(Instant(read).text), "live": live.map { .flag($0.value != nil && reading.isLive) } ?? .null,
            "lack": .text(reading.lack?.cause.name), "file": .text(file?.path),
            "problem": .text(file?.problem), "fetches": fetches?.json ?? .null,
            "grant": grant?.json(end: grantEnd) ?? .null,
        ]
    }
}

extension FetchState {
    fileprivate var json: JSON {
        [
            "last": .text(last.map { Instant($0).text }), "next": .text(next.map { Instant($0).text }),
            "counts": .list(
                counts.sorted { $0.key < $1.key }.map { ["result": .text($0.key), "count": .whole($0.value)] }),
        ]
    }
}

extension WorkState {
    fileprivate var json: JSON {
        [
            "has_work": hasWork.map { .flag($0) } ?? .null, "idle": .flag(isIdle),
            "busy_processors": busy.map { .number("\($0)") } ?? .null,
            "best_effort_processors": bestEffort.map { .number("\($0)") } ?? .null,
            "unknown": .list(unknown.map { .text($0) }), "missing": .list(missing.map { .text($0) }),
        ]
    }
}

extension Overrides {
    fileprivate var json: JSON {
        [
            "paused": .flag(paused), "limit_uw": .power(limit), "max_source_uw": .power(maxSource),
            "min_power_uw": .power(minPower),
        ]
    }
}

extension DeviceState {
    fileprivate var json: JSON {
        [
            "name": .text(name), "kind": .text(kind.rawValue), "zone": .text(zone), "asked_uw": .power(asked),
            "in_force_uw": .power(inForce),
            "held_by": .text(holder), "power_uw": .power(power), "original_uw": .power(original), "floor_uw": .power(floor),
            "ceiling_uw": .power(ceiling), "reference_uw": .power(reference), "wants_uw": .power(demand?.power),
            "wants_because": .text(demand?.basis.rawValue), "reason": .text(reason?.rawValue),
            "standing": .text(standing.words), "as_asked": .flag(standing == .asAsked),
        ]
    }
}

extension Welcome {
    var json: JSON {
        [
            "version": .text(helperVersion.string), "writes": .text(writes.words), "min_power_uw": .power(minPower),
            "sandbox": .object(SandboxBits.names.map { bit, name in JSON.Member("\(name)", .flag(sandbox.contains(bit))) }),
            "boot_at_fallback": .flag(boot.contains(.atFallback)),
        ]
    }
}

extension APIState {
    fileprivate var json: JSON {
        let counts = requests.sorted { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }
        return [
            "server": .text(server), "node": .text(node), "because": .text(reason), "watching": .flag(isWatching),
            "published": .flag(isPublished), "troubles": .list(troubles.map { .text($0) }),
            "watch_restarts": .whole(watchRestarts),
            "requests": .list(
                counts.map { ["verb": .text($0.key.verb), "code": .text($0.key.code), "count": .whole($0.value)] }),
        ]
    }
}

extension Counts {
    fileprivate var json: JSON {
        [
            "limits_applied": .whole(applied), "limits_refused": .whole(refused), "limits_failed": .whole(failed),
            "drifts": .whole(drifts.values.reduce(0, +)), "control_granted": .whole(connections), "control_lost": .whole(losses),
            "log_lines_lost": .whole(lostLogLines),
        ]
    }
}

extension Settings {
    /// Each option with its value in effect, and where it comes from.
    var json: JSON {
        .list(
            zip(Option.all, origins).map { option, origin in
                [
                    "variable": .text(option.variable), "flag": .text(option.flag), "value": .text(option.show(configuration)),
                    "from": .text(origin.origin.rawValue), "place": .text(origin.given.place),
                ]
            })
    }
}
