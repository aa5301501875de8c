import PowercapProtocol

@testable import Fleet

/// A budget of one watt-hungry fleet, as a coordinator sees it: 1000 W for ten nodes that have 900 W.
func overview(_ change: (inout BudgetOverview) -> Void = { _ in }) -> BudgetOverview {
    var overview = BudgetOverview(
        terms: BudgetTerms(name: "site", limit: Microwatts(1_000_000_000), maximum: Microwatts(200_000_000)),
        counted: Microwatts(900_000_000), contingency: Microwatts(100_000_000), inForce: Microwatts(880_000_000),
        demand: Microwatts(1_500_000_000), minimum: Microwatts(500_000_000), nodes: 10, silent: 0, aboveMaximum: [])
    change(&overview)
    return overview
}
