using System.Runtime.CompilerServices;

namespace Mesh.Hocon.Resolution;

/// <summary>Bounds on the work, the depth and the result of resolving, so that a few hostile lines cannot take the process down.</summary>
internal sealed class ResolveBudget(HoconOptions options)
{
    // Levels are calls, of which one level of nesting needs a few. With frames of a few hundred octets this stays well under a megabyte of stack.
    private const int LevelsPerDepth = 8;
    private long _steps;
    private int _levels;

    public void Spend(long steps, HoconOrigin at)
    {
        _steps += steps;
        if (_steps > options.MaxResolveSteps)
            throw new HoconException(at, $"resolving the document takes more than the limit of {options.MaxResolveSteps} steps") { IsLimit = true };
    }

    /// <summary>One call deeper, until the result is disposed. An exception ends the whole resolution, so it need not be disposed then.</summary>
    public Level Descend(HoconOrigin at)
    {
        if (++_levels > LevelsPerDepth * options.MaxDepth)
            throw new HoconException(at, $"substitutions refer to each other in a chain deeper than the limit of {LevelsPerDepth * options.MaxDepth} levels") { IsLimit = true };
        // On a thread with a small stack the end may come earlier; it is an error then too, and not the end of the process.
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new HoconException(at, "the document nests deeper than the limit that the stack of this thread sets") { IsLimit = true };
        return new Level(this);
    }

    public T Check<T>(T value)
        where T : HoconValue
    {
        if (value.Depth > options.MaxDepth)
            throw new HoconException(value.Origin, $"objects and arrays nest deeper than the limit of {options.MaxDepth} after substitution") { IsLimit = true };
        if (value.Size > options.MaxResolvedSize)
            throw new HoconException(value.Origin, $"the resolved document is larger than the limit of {options.MaxResolvedSize}") { IsLimit = true };
        return value;
    }

    public void CheckSize(long size, HoconOrigin at)
    {
        if (size > options.MaxResolvedSize)
            throw new HoconException(at, $"the resolved document is larger than the limit of {options.MaxResolvedSize}") { IsLimit = true };
    }

    internal readonly struct Level(ResolveBudget budget) : IDisposable
    {
        public void Dispose() => budget._levels--;
    }
}
