internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// A value as it was given, and where.
struct Given: Equatable, Sendable {
    /// The variable, or the flag with its dashes.
    let name: String
    let text: String
    var isDefault = false
    /// File and line, where it comes from a file.
    var place: String?

    /// `MAX_SOURCE="40W"`
    var words: String { "\(name)=\(quoted(text))" + (isDefault ? " (the default)" : place.map { " (\($0))" } ?? "") }
}

/// What is wrong with how the program was started. Each is one line on standard error and exit status 2.
enum UsageError: Error, Equatable, Sendable {
    case value(Given, ValueProblem, ValueWords)
    case floorAbovePeak(floor: Given, peak: Given, peakPower: Microwatts)
    case floorAboveCeiling(floor: Given, device: String, ceiling: Microwatts)
    /// What is governed, and what the limit is of.
    case outsideBudget(Given, Given, because: String, instead: String)
    case unknownFlag(String, nearest: String?)
    case foreignFlag(String, command: String, belongsTo: String)
    case missingValue(String, ValueWords)
    case unexpectedValue(String, String)
    case repeatedFlag(String)
    case noCommand
    case unknownCommand(String, nearest: String?, among: [String])
    case extraArgument(String)
    case missingArgument(String, ValueWords)
    case noNodeName(because: String)
    case noServer(Given)
    case noCluster
    case zoneFile(Given, ZoneFileProblem)
    /// The sentence's end.
    case samplesFile(Given, String)
    case environmentFile(String, EnvironmentFile.Problem)
    case demoInCluster(Given)
    case noDay(from: Given, to: Given)
    case noPlace(Given, missing: [String])
    case placeWithoutSun(Given, Given)
    case noSourceFile(Given, missing: String)
    case fileWithoutSource(Given, Given, needs: String)
    case sourceFile(Given, String)
    case noService(Given)
    /// Nothing says where values stand in an answer.
    case noPlaces(Given)
    /// A preset and its address, in which something is left to be filled in.
    case unfilledPreset(Given, SourcePreset)
    /// What makes no sense without another variable.
    case missingBeside(Given, String)
    case tooOften(Given)
    /// A service that was asked once, and didn't answer.
    case unanswered(String)
    case withoutEffect(Given, Given, needs: String)
    /// An option about answers that makes no sense beside the others.
    case mapping(Given, String)
    case mapAbovePeak(Given, Given, Microwatts)
    case wholeWithoutShare(Given)
    case nothingForetold(Given, Given)
    case formerAddress(Given)
    case nothingLive(Given)
    case chartTooLong(Given, highest: Int)
    case contradiction(Given, Given)
    case coordinatesNothing
    /// Of a budget's source: no option of one, or none of a budget's.
    case budgetOption(String, nearest: String?)
    case budgetSource(String)
    case budgetLacks(String, String)
    /// Grants that nobody is asked for.
    case noCoordinator(Given)
    /// Nobody knows for which node.
    case noGrantee(Given)
    /// There are several shards, and one address for all.
    case noShard(Given, String)
    case againstGrants(Given, Given, because: String, instead: String)
    /// A grant ends, and whoever does one thing once isn't there any more then.
    case grantedOnce(Given)
    /// The helper's version, which knows no fallback limits.
    case grantsWithoutFallback(Given, helper: String)
    case unforeseen(Given)
    /// In a word why not.
    case cannotAsk(Given, String)
    case noFallback(Given)

    var sentence: String {
        switch self {
        case .value(let given, let problem, let words): return Self.sentence(given, problem, words)
        case .floorAbovePeak(let floor, let peak, let peakPower):
            return "\(floor.words) is above \(peak.words), so the source could never decide anything: "
                + "give a \(floor.name) of at most \(peakPower.words), or a larger \(peak.name)"
        case .floorAboveCeiling(let floor, let device, let ceiling):
            return "\(floor.words) is above the ceiling of \(device): give at most \(ceiling.words)"
        case .outsideBudget(let given, let scope, let because, let instead):
            return "\(given.words) doesn't go with \(scope.words): \(because): \(instead)"
        case .unknownFlag(let flag, let nearest):
            return "\(quoted(flag)) is not an option: "
                + (nearest.map { "did you mean \($0)?" } ?? "`powercap-controller help` lists them")
        case .foreignFlag(let flag, let command, let owner):
            return "\(flag) is not an option of `\(command)`: it belongs to `\(owner)`"
        case .missingValue(let flag, let words):
            return "\(flag) has no value: give \(words.valid), as in `\(flag) \(words.placeholder)`"
        case .unexpectedValue(let flag, let value): return "\(flag) takes no value, but was given \(quoted(value))"
        case .repeatedFlag(let flag): return "\(flag) is given twice: give it once"
        case .noCommand:
            return "no command is given, so nothing was done: `run` limits this node's power, `help` lists the others"
        case .unknownCommand(let name, let nearest, let commands):
            return "\(quoted(name)) is not a command: "
                + (nearest.map { "did you mean `\($0)`?" }
                    ?? "there are \(commands.joined(separator: ", "))")
        case .extraArgument(let text):
            return "\(quoted(text)) is one argument too many: options are written --name value or --name=value"
        case .missingArgument(let command, let words):
            return "`\(command)` lacks \(words.noun): give \(words.valid), as in `\(command) \(words.placeholder)`"
        case .noNodeName(let because):
            return "NODE_NAME is not set, and \(because): give this machine's Node (in a pod from the field spec.nodeName), or "
                + "KUBERNETES=off"
        case .noServer(let given):
            return "\(given.words), but this is not a cluster's pod (KUBERNETES_SERVICE_HOST is not set) and KUBE_SERVER is not "
                + "set: give the API server's address"
        case .noCluster:
            return "Kubernetes is off: give KUBE_SERVER and NODE_NAME (`kubectl proxy` serves http://127.0.0.1:8001)"
        case .zoneFile(let given, let problem): return "\(given.words) \(problem.words)"
        case .samplesFile(let given, let problem): return "\(given.words) \(problem)"
        case .environmentFile(let path, let problem): return Self.sentence(path, problem)
        case .demoInCluster(let given):
            return
                "\(given.words) is for showing what this program does, not for a cluster's Node: give solar, sun or static, or "
                + "KUBERNETES=off"
        case .noDay(let from, let to):
            return "\(from.words) is less than an hour before \(to.words): give a day that begins and ends on one date of the "
                + "time zone, such as 06:00 and 18:00"
        case .noPlace(let source, let missing):
            return "\(source.words) is the sun over a place, but \(missing.joined(separator: " and ")) "
                + "\(missing.count == 1 ? "is" : "are") not set: give degrees, north and east positive (Berlin has LATITUDE=52.52 and "
                + "LONGITUDE=13.405)"
        case .placeWithoutSun(let place, let source):
            return "\(place.words) has no effect with \(source.words), which knows no place: give SOURCE=sun, or take "
                + "\(place.name) away"
        case .noSourceFile(let source, let missing):
            return "\(source.words) goes by a file, but \(missing) is not set: give the file's path"
        case .fileWithoutSource(let given, let source, let needed):
            return "\(given.words) has no effect with \(source.words): give SOURCE=\(needed), or take \(given.name) away"
        case .noService(let source):
            return "\(source.words) asks a service, but neither SOURCE_URL nor SOURCE_URL_FILE is set: give its address"
        case .noPlaces(let source):
            return
                "\(source.words) asks a service, but nothing says where values stand in its answer: give SOURCE_PRESET, or SOURCE_VALUE"
        case .unfilledPreset(let given, let preset):
            let names = preset.blanks.map { "{\($0)}" }.joined(separator: ", ")
            return "\(given.words) leaves \(names) of its address to be filled in: give SOURCE_URL, such as \(preset.url)"
                + (preset.secret.isEmpty ? "" : "; the service asks for \(preset.secret)")
        case .missingBeside(let given, let missing):
            return "\(given.words) has no effect without \(missing): give both, or take it away"
        case .tooOften(let given):
            return
                "\(given.words) is too often for a server that isn't in your own network, or of which that isn't known: give at least "
                + ServiceSettings.leastRefresh.words
        case .unanswered(let why): return "nothing could be fetched for the source: \(why)"
        case .withoutEffect(let given, let other, let needed):
            return "\(given.words) has no effect with \(other.words): give \(needed), or take \(given.name) away"
        case .sourceFile(let given, let problem), .mapping(let given, let problem): return "\(given.words) \(problem)"
        case .mapAbovePeak(let map, let peak, let most):
            return
                "\(map.words) has a power above \(peak.words), which nothing gives: give powers of at most \(most.words), or a larger "
                + "\(peak.name)"
        case .nothingLive(let given):
            return
                "\(given.words) has no effect, as neither LIVE_FILE nor LIVE_URL is set: give one of them, or take \(given.name) away"
        case .formerAddress(let given):
            return
                "\(given.words) isn't followed: a market's pages are for people, and EPEX SPOT's terms of use forbid programs to read them. "
                + "Put files that you may use into a directory (SCHEDULE_FILE), or give a service that may be asked (SOURCE_PRESET), and take "
                + "\(given.name) away"
        case .nothingForetold(let given, let source):
            return
                "\(given.words) has no effect with \(source.words), which falls little by little or not at all: give SOURCE=schedule or "
                + "SOURCE=series, or take \(given.name) away"
        case .wholeWithoutShare(let given):
            return
                "\(given.words) has no effect where nothing is a share of it: give SIGNAL_MAP=share, or take \(given.name) away"
        case .contradiction(let first, let second):
            return "\(first.name) and \(second.name) contradict each other: give one of them"
        case .coordinatesNothing:
            return
                "Kubernetes is off, where budgets and nodes are: give KUBE_SERVER (`kubectl proxy` serves http://127.0.0.1:8001)"
        case .budgetOption("TIMEZONE", _):
            return "TIMEZONE is the whole coordinator's: give it to that, or SOURCE_TIMEZONE for times in data that name no zone"
        case .budgetOption(let name, let nearest):
            return "\(quoted(name)) is no option of a source: "
                + (nearest.map { "did you mean \($0)?" } ?? "docs/sources.md describes them")
        case .budgetSource(let name):
            return "SOURCE=\(quoted(name)) is none of a budget: give solar, sun, static, schedule, series or http"
        case .budgetLacks(let name, let why): return "\(name) is missing: \(why)"
        case .noCoordinator(let source):
            return "\(source.words) asks a coordinator, but GRANT_URL is not set: give its address, such as "
                + "https://powercap-coordinator.powercap-system.svc:8443"
        case .noShard(let shards, let address):
            return
                "\(shards.words), but \(address) is the same for every shard: write {shard} where the shard's number is in its name"
        case .noGrantee(let source):
            return
                "\(source.words) asks for a node's part of a budget, but NODE_NAME is not set: give this machine's Node (in a pod from "
                + "the field spec.nodeName)"
        case .againstGrants(let given, let source, let because, let instead):
            return "\(given.words) can't be with \(source.words), because \(because): \(instead)"
        case .grantedOnce(let source):
            return
                "--once can't be with \(source.words), because a grant ends, and nobody would lower the limit then: give `run` alone"
        case .grantsWithoutFallback(let source, let helper):
            return
                "\(source.words) needs a helper that knows fallback limits, which raplhelper \(helper) doesn't: install both programs from "
                + "one release"
        case .cannotAsk(let given, let why): return "\(given.words) can't be asked: \(why)"
        case .unforeseen(let source):
            return
                "\(source.words) can't be foreseen: what this node is granted depends on the others. `powercap-controller explain` says what "
                + "it has now"
        case .noFallback(let given):
            return "\(given.words) goes to a limit that isn't there: give FALLBACK_LIMIT, or \(given.name)=restore or hold"
        case .chartTooLong(let given, let highest):
            return "\(given.words) is more than a chart can show: give at most \(highest), or --format csv"
        }
    }

    private static func sentence(_ given: Given, _ problem: ValueProblem, _ words: ValueWords) -> String {
        let wrong =
            switch problem {
            case .empty: "is empty"
            case .malformed: "is not \(words.noun)"
            case .unfilled(let name): "has {\(name)} in it, which has to be filled in"
            case .negative: "is negative"
            case .unknownUnit(let unit): "has the unknown unit \(quoted(unit))"
            case .tooFine: "is finer than \(words.smallest)"
            case .tooLow: "is below \(words.lowest)"
            case .tooHigh: words.highest.isEmpty ? "is too long" : "is above \(words.highest)"
            case .unknownName: "is not known"
            case .noTimeZoneDatabase(let path):
                "can't be looked up, as there is no time zone database at \(path) (install tzdata, or set TZDIR)"
            case .noPath(let position, let why): "is no path from character \(position) on (\(why))"
            }
        return "\(given.words) \(wrong): give \(words.valid)"
    }
}

extension UsageError {
    fileprivate static func sentence(_ path: String, _ problem: EnvironmentFile.Problem) -> String {
        switch problem {
        case .absent: "\(path) does not exist: give a file of NAME=value lines (-\(path) takes it where it is there)"
        case .denied: "\(path) may not be read by this user: change its mode or its owner"
        case .notAFile: "\(path) is no file, but a FIFO, a device or a socket: give a file of NAME=value lines"
        case .unreadable(let errno): "\(path) can't be read: \(errno.explanation) (\(errno.name))"
        case .tooLarge: "\(path) is larger than \(EnvironmentFile.largest >> 20) MiB: give a file of NAME=value lines"
        case .noAssignment(let text, let line):
            "\(path):\(line): \(quoted(text)) has no `=`: write NAME=value, or # before a comment"
        case .badName(let name, let line):
            "\(path):\(line): \(quoted(name)) can't be a variable's name, so systemd drops it: write NAME=value, without export"
        case .unknownName(let name, let meant, let line):
            "\(path):\(line): \(quoted(name)) is not a variable of this program: "
                + (meant.map { "did you mean \($0)?" } ?? "`powercap-controller help` lists them")
        case .openQuote(let line): "\(path):\(line): a quotation mark is not closed: close it, or take it away"
        case .openComment(let line):
            "\(path):\(line): the comment ends in a backslash, with which some versions of systemd take the next line for a comment, "
                + "too: take it away"
        case .notText(let line): "\(path):\(line): this is not text in UTF-8: write the line anew"
        }
    }
}

/// The name that somebody who typed `text` meant, if one is close.
func nearest(to text: String, among names: some Sequence<String>) -> String? {
    var best: (name: String, distance: Int)?
    for name in names {
        let distance = editDistance(Array(text.utf8), Array(name.utf8))
        if distance <= max(2, name.utf8.count / 3), distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
}

/// Levenshtein's distance: how many characters to insert, remove or replace.
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var last = Array(0...right.count)
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices { row.append(min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)) }
        last = row
    }
    return last[right.count]
}
