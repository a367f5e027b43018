namespace Mesh.Actors;

/// <summary>A recipe for an actor: used for its first instance and again at each restart.</summary>
/// <remarks>May be shared between actors; then an actor without state of its own costs only its cell and itself.</remarks>
public sealed class Props
{
    private Props(Func<Actor> factory, string typeName) => (Factory, TypeName) = (factory, typeName);

    internal Func<Actor> Factory { get; }

    /// <summary>Name of the actor's type, for messages about it.</summary>
    public string TypeName { get; }

    /// <summary>A recipe that calls <paramref name="factory"/> for each instance.</summary>
    public static Props Create<TActor>(Func<TActor> factory)
        where TActor : Actor
    {
        ArgumentNullException.ThrowIfNull(factory);
        return new Props(factory, typeof(TActor).Name);
    }

    /// <summary>A recipe for an actor without constructor arguments.</summary>
    public static Props Create<TActor>()
        where TActor : Actor, new() => Create(static () => new TActor());
}
