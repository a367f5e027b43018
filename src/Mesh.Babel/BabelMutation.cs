namespace Mesh.Babel;

/// <summary>A mistake that is made on purpose, so that tests can show that somebody notices it.</summary>
internal enum BabelMutation
{
    /// <summary>None.</summary>
    None,

    /// <summary>Every route is taken for feasible.</summary>
    SkipFeasibility,

    /// <summary>Nobody is told at once that a route is gone.</summary>
    ForgetRetraction,
}
