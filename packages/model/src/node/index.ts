export { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'
