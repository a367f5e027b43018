namespace Mesh.Actors;

/// <summary>Names a scheduled message. A handle of a message that was delivered or cancelled does nothing.</summary>
public readonly record struct TimerHandle
{
    internal TimerHandle(int index, uint generation) => (Index, Generation) = (index, generation);

    internal int Index { get; }

    internal uint Generation { get; }

    /// <summary>True for <c>default</c>: names nothing.</summary>
    public bool IsNone => Generation == 0;
}
