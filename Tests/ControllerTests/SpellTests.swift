import Testing

@testable import powercap_controller

struct SpellTests {
    /// What each look returns: `!` happens, `.` doesn't.
    private func returned(_ looks: String) -> [Int?] {
        var spell = Spell()
        return looks.map { spell.note($0 == "!") }
    }

    @Test("it is over ten looks after it last happened, not after ten in which it didn't, and counts how often it was")
    func over() {
        #expect(returned("!.........").allSatisfy { $0 == nil })
        #expect(returned("!..........").last == 1)
        #expect(returned("!!!..........").last == 3)
        #expect(returned("!.........!.........").allSatisfy { $0 == nil })
        #expect(returned("!.........!..........").compactMap { $0 } == [2])
    }

    @Test("what is over begins anew, and what never was is never over")
    func anew() {
        #expect(returned("!..........").compactMap { $0 } == [1])
        #expect(returned("!..........!!..........").compactMap { $0 } == [1, 2])
        #expect(returned("!....................").compactMap { $0 } == [1])
        #expect(returned("....................").compactMap { $0 }.isEmpty)
    }
}
