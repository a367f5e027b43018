namespace Mesh.Platform.Linux.Native;

/// <summary>Wakes threads that wait for a descriptor, for good.</summary>
internal sealed unsafe class StopSignal : IDisposable
{
    private readonly Descriptor _event = Descriptor.Checked(Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking), "make", "an event descriptor");

    /// <summary>Wakes every thread in <see cref="WaitReadable"/>, now and later.</summary>
    public void Set()
    {
        ulong one = 1;
        Libc.Write(_event.Number, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Waits until there is something to read.</summary>
    /// <returns>False where it is time to stop.</returns>
    public bool WaitReadable(Descriptor descriptor)
    {
        Libc.PollDescriptor* waited = stackalloc Libc.PollDescriptor[2];
        waited[0] = new Libc.PollDescriptor { Descriptor = descriptor.Number, Events = Libc.PollIn };
        waited[1] = new Libc.PollDescriptor { Descriptor = _event.Number, Events = Libc.PollIn };
        Libc.Poll(waited, 2, timeoutMilliseconds: -1);   // interrupted: the caller reads, finds nothing and comes again
        return waited[1].Happened == 0;
    }

    public void Dispose() => _event.Dispose();
}
