import PowercapProtocol

extension Statement {
    /// Reads a line; nil when there is nothing on it.
    init?(_ line: some StringProtocol) throws(ScriptError) {
        var words = Words(line)
        if words.isEmpty { return nil }
        let first = try words.next("a statement")
        guard let verb = Verb(rawValue: String(first)) else {
            throw ScriptError(sentence: "\(first) is not a statement; MockHelper --help lists them")
        }
        do throws(ScriptError) {
            self = try Statement.parse(verb, &words)
            try words.finish()
        } catch {
            throw ScriptError(sentence: "\(error.sentence): \(verb.usage)")
        }
    }

    private static func parse(_ verb: Verb, _ words: inout Words) throws(ScriptError) -> Statement {
        switch verb {
        case .zone: return .zone(try MockZone.Declaration(&words))
        case .constraint: return .constraint(zone: try words.name("the zone's id"), try Register(&words))
        case .order:
            var ids: [Name] = []
            while !words.isEmpty { ids.append(try words.name("a zone's id")) }
            return .order(ids)
        case .lease:
            let (minimum, maximum): (UInt32, UInt32) = (try words.number("the minimum"), try words.number("the maximum"))
            guard 1...maximum ~= minimum else { throw ScriptError(sentence: "the minimum is 1 to the maximum, not \(minimum)") }
            return .lease(minimum_ms: minimum, maximum_ms: maximum)
        case .expiry:
            return .expiry(try words.choice("the disposal", ["fallback": .fallback, "restore": .restore, "hold": .hold]))
        case .speaks: return .speaks(try words.number("the version"))
        case .boot: return .boot(try words.choice("how it began", ["at-fallback": .atFallback, "otherwise": []]))
        case .kept: return .kept(try words.choice("whether they are", ["yes": true, "no": false]))
        case .atOnce: return .atOnce(try words.number("how many"))
        case .writes:
            return .writes(
                try words.choice(
                    "the policy",
                    [
                        "accepted": .accepted, "readOnly": .readOnly, "stateUnreadable": .stateUnreadable,
                        "stateUnwritable": .stateUnwritable,
                    ]))
        case .minimum: return .minPower(try words.power("the least limit"))
        case .sandbox: return .sandbox(SandboxBits(rawValue: try words.number("the bits")))
        case .serve: return .serve(everybody: try words.choice("who is served", ["everybody": true, "nobody": false]))
        case .before: return try before(&words)
        case .forget: return .forget
        case .set:
            let (zone, constraint) = try target(&words)
            return .set(zone: zone, constraint: constraint, try words.power("the limit"))
        case .ceiling:
            let (zone, constraint) = try target(&words)
            return .ceiling(zone: zone, constraint: constraint, try words.power("the ceiling"))
        case .fail:
            let (zone, constraint) = try target(&words)
            switch try words.choice("what happens", ["refused": 0, "ignored": 1, "no": 2]) {
            case 0: return .fail(zone: zone, constraint: constraint, .refused(errno: try words.number("the errno")))
            case 1: return .fail(zone: zone, constraint: constraint, .ignored)
            default: return .fail(zone: zone, constraint: constraint, nil)
            }
        case .unreadable:
            let (zone, constraint) = try target(&words)
            return .unreadable(zone: zone, constraint: constraint, errno: try words.number("the errno"))
        case .gone: return .gone(zone: try words.name("the zone's id"))
        case .enabled: return .enabled(zone: try words.name("the zone's id"), try words.choice("the bit", enabledNames))
        case .holder:
            let name = try words.name("the client's name")
            let lease_ms: UInt32 = words.isEmpty ? 30_000 : try words.number("the lease")
            return .holder(name == ZonesHeader.nobody ? nil : name, lease_ms: lease_ms)
        case .expire: return .expire
        case .disconnect: return .disconnect
        case .stop: return .stop
        case .listen: return .listen
        case .restart: return .restart
        case .show: return .show
        }
    }

    fileprivate static let enabledNames: KeyValuePairs<String, ZoneSample.Enabled> = [
        "yes": .yes, "no": .no, "unknown": .unknown,
    ]

    private static func target(_ words: inout Words) throws(ScriptError) -> (zone: Name, constraint: Name) {
        (try words.name("the zone's id"), try words.name("the constraint's name"))
    }

    private static func before(_ words: inout Words) throws(ScriptError) -> Statement {
        let word = try words.next("the request")
        let request = Opcode.allCases.first { $0.row.direction == .request && "\($0.row.name)" == word }
        guard let request else { throw ScriptError(sentence: "\(word) is not the name of a request") }
        let count = try words.next("the number")
        let number: UInt64? = count == "every" ? nil : try Words.number(count, "the number")
        if number == 0 { throw ScriptError(sentence: "the next request is number 1") }
        let fault = try Fault(&words)
        if fault == .refuseVersion && request != .hello { throw ScriptError(sentence: "only a Hello is refused") }
        return .before(request, number: number, fault)
    }
}

extension Fault {
    fileprivate init(_ words: inout Words) throws(ScriptError) {
        switch try words.next("the fault") {
        case "delay": self = .delay(milliseconds: try words.number("the delay"))
        case "error":
            let word = try words.next("the error's name")
            guard let code = ErrorCode.allCases.first(where: { "\($0)" == word }) else {
                throw ScriptError(sentence: "\(word) is not the name of an error")
            }
            var failure = Failure(code)
            try words.options(["errno", "item", "effective"]) { key, value throws(ScriptError) in
                switch key {
                case "errno": failure.errno = try Words.number(value, key)
                case "item": failure.item = try Words.number(value, key) as UInt16
                default: failure.effective = try Words.power(value, key)
                }
            }
            self = .error(failure)
        case "disconnect": self = .disconnect
        case "garbage": self = .garbage
        case "half": self = .half
        case "silence": self = .silence
        case "wrong-id": self = .wrongID
        case "refuse-version": self = .refuseVersion
        case let word: throw ScriptError(sentence: "\(word) is not a fault")
        }
    }
}

extension MockZone.Declaration {
    fileprivate init(_ words: inout Words) throws(ScriptError) {
        self.init(id: try words.name("the zone's id"), name: try words.name("the zone's name"))
        var declaration = self
        try words.options(["parent", "type", "energy_uj", "energy_errno", "power", "range_uj", "enabled"]) {
            key, value throws(ScriptError) in
            switch key {
            case "parent": declaration.parent = try Words.name(value, key)
            case "type": declaration.controlType = try Words.name(value, key)
            case "energy_uj": declaration.energy = Microjoules(try Words.number(value, key))
            case "energy_errno": declaration.energyErrno = try Words.number(value, key)
            case "power": declaration.power = try Words.power(value, key)
            case "range_uj": declaration.energyRange = Microjoules(try Words.number(value, key))
            default: declaration.enabled = try Words.choice(value, key, Statement.enabledNames)
            }
        }
        self = declaration
    }
}

extension Register {
    fileprivate init(_ words: inout Words) throws(ScriptError) {
        let name = try words.name("the constraint's name")
        let limit = try words.power("the limit")
        var index: UInt8 = 0
        var register = Register(index: 0, name: name, limit: limit)
        try words.options(["index", "max", "floor", "step", "window_us", "locked", "obstacle"]) {
            key, value throws(ScriptError) in
            switch key {
            case "index": index = try Words.number(value, key)
            case "max": register.maxPower = try Words.power(value, key)
            case "floor": register.floor = try Words.power(value, key)
            case "step":
                register.step = try Words.power(value, key)
                if register.step == .zero { throw ScriptError(sentence: "the step is above 0") }
            case "window_us": register.window_us = try Words.number(value, key)
            case "obstacle":
                guard let obstacle = Obstacle.allCases.first(where: { "\($0.name)" == value }) else {
                    throw ScriptError(sentence: "\(value) is not the name of an obstacle")
                }
                register.obstacle = obstacle
                // ETIMEDOUT
                if obstacle == .unread { register.readErrno = 110 }
            default: (register.isLocked, register.obstacle) = (true, .locked)
            }
        }
        self = register
        self.index = index
    }
}
