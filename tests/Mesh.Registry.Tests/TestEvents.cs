using Mesh.Actors.TestKit;

namespace Mesh.Registry.Tests;

/// <summary>Collects what is published on the event stream.</summary>
internal sealed class TestEvents<T>
{
    private readonly TestProbe _probe;
    private readonly List<T> _seen = [];

    public TestEvents(RegistryWorld world)
    {
        _probe = world.Kit.CreateProbe();
        _ = world.Kit.System.EventStream.Subscribe<T>(_probe.Ref);
    }

    public IReadOnlyList<T> Seen
    {
        get
        {
            _seen.AddRange(_probe.ReceiveAll().Cast<T>());
            return _seen;
        }
    }
}
