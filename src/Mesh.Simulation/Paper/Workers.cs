using System.Runtime.ExceptionServices;

namespace Mesh.Simulation.Paper;

/// <summary>Runs the same work on several threads, which share it out among themselves.</summary>
internal static class Workers
{
    /// <summary>Returns when all are done.</summary>
    /// <param name="threads">How many, the caller's among them.</param>
    /// <param name="work">What each does until nothing is left. What one of them throws is thrown here.</param>
    public static void Run(int threads, Action work)
    {
        // Threads of their own: all of them work from the start, whatever else the pool has to do.
        ExceptionDispatchInfo? thrown = null;
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(_ => new Thread(Guarded) { IsBackground = true, Name = "paper" })];
        foreach (Thread other in others)
            other.Start();
        Guarded();
        foreach (Thread other in others)
            other.Join();
        thrown?.Throw();

        void Guarded()
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                thrown = ExceptionDispatchInfo.Capture(e);
            }
        }
    }
}
