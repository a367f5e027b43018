namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Ends the program when a decoder does not come back: nothing else can, and else nobody would know the input.</summary>
internal static class Watchdog
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Watches until it is disposed.</summary>
    public static IDisposable Watch(byte[] octets, Func<string> replay) => Guard.Current(octets, replay);

    // One for each thread: a timer for every input would cost more than most decoders.
    private sealed class Guard : IDisposable
    {
        [ThreadStatic]
        private static Guard? _guard;

        private readonly Timer _timer;
        private readonly Lock _lock = new();
        private byte[]? _octets;
        private Func<string>? _replay;
        private int _ticks;

        private Guard() => _timer = new Timer(_ => Tick(), null, Limit / 2, Limit / 2);

        public static Guard Current(byte[] octets, Func<string> replay)
        {
            Guard guard = _guard ??= new Guard();
            lock (guard._lock)
                (guard._octets, guard._replay, guard._ticks) = (octets, replay, 0);
            return guard;
        }

        public void Dispose()
        {
            lock (_lock)
                _octets = null;
        }

        // Two ticks with the same input: it has had at least half of the limit, and at most all of it.
        private void Tick()
        {
            lock (_lock)
            {
                if (_octets is null || ++_ticks < 2)
                    return;
                Console.Error.WriteLine($"{_replay!()} does not end\ninput    {Convert.ToHexString(_octets)}");
                _timer.Dispose();
                Environment.Exit(3);
            }
        }
    }
}
