namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Which part of a contract an input breaks.</summary>
internal enum ViolationKind
{
    /// <summary>An exception that is not declared.</summary>
    Exception,

    /// <summary>More memory than declared.</summary>
    Allocation,

    /// <summary>More time than declared.</summary>
    Time,

    /// <summary>What was decoded is not what it has to be.</summary>
    Value,

    /// <summary>What the declared exception says is wrong.</summary>
    Refusal,
}

/// <summary>A broken contract.</summary>
/// <param name="Kind">Which part.</param>
/// <param name="Group">What a smaller input has to show as well to count as the same fault: the type and the place of an exception.</param>
/// <param name="Detail">What happened, for people.</param>
internal sealed record Violation(ViolationKind Kind, string Group, string Detail);
