// SPDX-License-Identifier: BSD-3-Clause
// Names that more than one file needs.

/** The commands, all under one prefix. */
export namespace CommandIDs {
  export const showSidebar = 'lepton-lab:show-sidebar';
  export const newNotebook = 'lepton-lab:new-notebook';
  export const insertModel = 'lepton-lab:insert-model';
  export const insertData = 'lepton-lab:insert-data';
  export const openRun = 'lepton-lab:open-run';
  export const openNotebook = 'lepton-lab:open-notebook';
  export const compareRuns = 'lepton-lab:compare-runs';
  export const pauseRun = 'lepton-lab:pause-run';
  export const resumeRun = 'lepton-lab:resume-run';
  export const stopRun = 'lepton-lab:stop-run';
  export const openArtifact = 'lepton-lab:open-artifact';
}

/** The id of the panel in the sidebar. */
export const SIDEBAR = 'lepton-lab-sidebar';
