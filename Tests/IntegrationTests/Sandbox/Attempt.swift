import Documents
import Foundation
import Glibc
import LinuxSystem
import Testing

/// Something that a helper which was taken over would try: a row of Tests/Fixtures/sandbox/attempts.txt.
struct Attempt: CustomTestStringConvertible {
    let name: String
    /// As the Intruder takes them, with words in braces.
    let preparation: [String]
    let call: String
    /// The first version of Landlock that refuses it, with its answer.
    let landlock: (since: Int, answer: String)?
    /// Without Landlock and the filter: as the unprivileged user, and as uid 0 without a capability.
    let asUser: String
    let asRoot: String

    var testDescription: String { name }

    static let all: [Attempt] = {
        let text = (try? Repository.text("Tests/Fixtures/sandbox/attempts.txt")) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { Attempt(row: String($0)) }
    }()

    private init(row: String) {
        let cells = row.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        precondition(cells.count == 4, "four columns: \(row)")
        name = cells[0]
        let calls = cells[1].components(separatedBy: "; ")
        (preparation, call) = (Array(calls.dropLast()), calls.last!)
        let refusal = cells[2].components(separatedBy: ": ")
        landlock = refusal.count == 2 ? (Int(refusal[0])!, refusal[1]) : nil
        let answers = cells[3].components(separatedBy: ", uid 0: ")
        (asUser, asRoot) = (answers[0], answers.last!)
    }

    /// What this version of Landlock (0: none) and the rest answer.
    func answer(landlock version: Int, isRoot: Bool) -> String {
        if let landlock, version >= landlock.since { return landlock.answer }
        return isRoot ? asRoot : asUser
    }

    /// Whether that is what came.
    static func agrees(_ answer: String, _ outcome: Intruder.Outcome) -> Bool {
        guard case .result(let result) = outcome else { return false }
        switch answer {
        case "depends": return true
        case "done": return result >= 0
        case "done*": return Conditions.hasYama ? result == -Int(EPERM) : result >= 0
        default: return result < 0 && Errno(Int32(-result)).name == answer
        }
    }
}
