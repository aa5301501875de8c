import PowercapProtocol

/// A request with its payload.
enum Request {
    case hello(Hello)
    /// From this index on.
    case listZones(from: UInt16)
    case readSample
    case acquireControl(AcquireControl)
    case renew(token: UInt64)
    case apply(token: UInt64, [ApplyItem])
    case release(token: UInt64, LimitDisposal)
    case ping

    init(_ opcode: Opcode, _ payload: Span<UInt8>, version: UInt8) throws(ProtocolError) {
        var reader = Reader(payload)
        switch opcode {
        case .hello: self = .hello(try Hello(from: &reader))
        case .listZones: self = .listZones(from: version >= Greeting.kindsVersion ? try reader.u16() : 0)
        case .readSample: self = .readSample
        case .acquireControl: self = .acquireControl(try AcquireControl(from: &reader))
        case .renew: self = .renew(token: try reader.u64())
        case .apply:
            let token = try reader.u64()
            var items: [ApplyItem] = []
            for _ in 0..<(try reader.u8()) { items.append(try ApplyItem(from: &reader, version: version)) }
            self = .apply(token: token, items)
        case .release: self = .release(token: try reader.u64(), try LimitDisposal.decoded(try reader.u8(), version: version))
        case .ping: self = .ping
        case .welcome, .zones, .sample, .control, .renewed, .applied, .released, .pong, .refused, .failure: throw .outOfPhase
        }
        try reader.finish()
    }

    /// The line that is printed: the name of the table, then its fields. Items are named by zone and constraint.
    func line(_ zones: [MockZone], leaseRemaining_ms: UInt32) -> String {
        switch self {
        case .hello(let hello):
            return "Hello versions=\(hello.lowestVersion)-\(hello.highestVersion) client=\(hello.clientName.string)"
        case .listZones(let first): return first == 0 ? "ListZones" : "ListZones from=\(first)"
        case .readSample: return "ReadSample"
        case .acquireControl(let request):
            return "AcquireControl lease_ms=\(request.lease_ms) previous_token=\(request.previousToken)"
        case .renew(let token): return "Renew token=\(token) lease_remaining_ms=\(leaseRemaining_ms)"
        case .apply(let token, let items):
            return items.reduce("Apply token=\(token)") { line, item in
                guard zones.indices.contains(Int(item.zone)),
                    let register = zones[Int(item.zone)].registers.first(where: { $0.index == item.constraint })
                else { return "\(line) #\(item.zone)/#\(item.constraint)=\(item.limit.rawValue)" }
                let fallback = item.fallback.map { $0 == .zero ? "" : " fallback=\($0.rawValue)" } ?? ""
                return "\(line) \(zones[Int(item.zone)].id.string)/\(register.name.string)=\(item.limit.rawValue)\(fallback)"
            }
        case .release(let token, let disposal): return "Release token=\(token) disposal=\(disposal)"
        case .ping: return "Ping"
        }
    }
}
