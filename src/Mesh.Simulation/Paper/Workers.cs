namespace Mesh.Simulation.Paper;

/// <summary>Runs the same work on several threads, which share it out among themselves.</summary>
internal static class Workers
{
    /// <summary>Returns when all are done.</summary>
    /// <param name="threads">How many, the caller's among them.</param>
    /// <param name="work">What each does until nothing is left.</param>
    public static void Run(int threads, Action work)
    {
        if (threads <= 1)
        {
            work();
            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ => work());
    }
}
