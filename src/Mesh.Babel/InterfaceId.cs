namespace Mesh.Babel;

/// <summary>Names an interface of the speaker; the caller chooses the values.</summary>
public readonly record struct InterfaceId(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"interface-{Value}";
}
